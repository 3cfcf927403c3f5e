// The panels as one PNG, drawn like the figures of Python: titles, pictures, captions, bars.
"use strict";
(() => {
  const featviz = (globalThis.featviz ??= {});
  const { one, el, write, valueText } = featviz;
  const INK = "#1a1a1a";
  const FAINT = "#555555";
  const ALARM = "#a3143c";
  const PANEL = 320; // pixels of the longer side of a picture
  const GAP = 28;
  const MARGIN = 24;
  const SCALE = 2; // for screens and print alike

  const line = (size, weight = 400) => `${weight} ${size}px ${featviz.FONT}`;

  /** Write one line; where it is wider than its room the type becomes smaller, not narrower. */
  function writeLine(context, text, x, y, { size, weight = 400, colour, room, align = "center" }) {
    context.font = line(size, weight);
    const wide = context.measureText(text).width;
    if (wide > room) context.font = line((size * room) / wide, weight);
    context.fillStyle = colour;
    context.textAlign = align;
    context.textBaseline = "alphabetic";
    context.fillText(text, x, y);
  }

  const captionLines = ({ mark, lines }) =>
    [mark, ...lines].filter(Boolean).flatMap((text) => text.split("\n"));

  /** Size of a picture: cells with numbers as on the page, others fill a square. */
  function boxOf(view, stage) {
    const { plane, frame } = view.stages[stage];
    if (view.written)
      return { ...frame, light: true, width: plane.wide * frame.across, height: plane.tall * frame.down };
    const scale = PANEL / Math.max(plane.wide, plane.tall);
    const [across, down] = [Math.max(scale, 20 / plane.wide), Math.max(scale, 20 / plane.tall)];
    return { plane, across, down, width: plane.wide * across, height: plane.tall * down };
  }

  function drawPicture(context, view, stage, box, x, y) {
    const found = view.stages[stage];
    context.save();
    context.translate(x, y);
    featviz.hatch(context, 0, 0, box.width, box.height, featviz.LIGHT);
    context.imageSmoothingEnabled = Math.max(box.across, box.down) < 1 / SCALE;
    context.imageSmoothingQuality = "high";
    context.drawImage(featviz.panels[stage].base, 0, 0, box.width, box.height);
    if (found.texts) featviz.drawNumbers(context, box, found.texts, found.map, found.colours);
    const uncovered = { image: view.run.uncovered, detect: view.run.poolUncovered }[stage];
    featviz.drawMarks(context, box, { uncovered });
    context.strokeStyle = "#888888";
    context.lineWidth = 0.8;
    context.strokeRect(0, 0, box.width, box.height);
    context.restore();
  }

  function drawCaption(context, words, x, y, room) {
    captionLines(words).forEach((text, index) => {
      const alarm = words.mark && index === 0;
      const look = { size: 13, weight: alarm ? 700 : 400, colour: alarm ? ALARM : FAINT, room };
      writeLine(context, text, x, y + 18 + 18 * index, look);
    });
  }

  function drawBar(context, colours, label, x, y, width) {
    const bar = el("canvas");
    featviz.paintBar(bar, colours);
    context.imageSmoothingEnabled = false;
    context.drawImage(bar, x, y, width, 12);
    context.strokeStyle = "#888888";
    context.lineWidth = 0.6;
    context.strokeRect(x, y, width, 12);
    const values = featviz.barValues(colours);
    values.forEach((value, index) => {
      const at = x + (width * index) / (values.length - 1);
      const align = index === 0 ? "left" : index === values.length - 1 ? "right" : "center";
      writeLine(context, valueText(value), at, y + 28, { size: 12, colour: INK, room: 80, align });
    });
    const words = label + (colours.gamma === 1 ? "" : `, gamma ${colours.gamma}`);
    writeLine(context, words, x + width / 2, y + 45, { size: 12, colour: FAINT, room: width });
  }

  /** Where everything stands, in pixels of the page. */
  function layoutOf(view) {
    const boxes = featviz.STAGES.map((stage) => boxOf(view, stage));
    const words = featviz.STAGES.map((stage) => featviz.captionOf(view, stage));
    const rooms = boxes.map((box) => Math.max(box.width, 190));
    const top = MARGIN + 34;
    const bottoms = boxes.map((box, at) => box.height + 18 * captionLines(words[at]).length);
    const bar = top + 46 + Math.max(...bottoms) + 22;
    const wide = rooms.reduce((sum, room) => sum + room, 0) + GAP * 3 + 2 * MARGIN;
    return { boxes, words, rooms, top, bar, wide, tall: bar + (view.written ? 0 : 58) + 36 };
  }

  function drawPanel(context, view, at, x, { boxes, words, rooms, top, bar }) {
    const stage = featviz.STAGES[at];
    const [box, room] = [boxes[at], rooms[at]];
    const [middle, wide] = [x + room / 2, room + GAP - 8];
    writeLine(context, words[at].title, middle, top + 16, {
      size: 15,
      weight: 700,
      colour: INK,
      room: wide,
    });
    writeLine(context, words[at].name, middle, top + 36, { size: 14, colour: INK, room: wide });
    drawPicture(context, view, stage, box, x + (room - box.width) / 2, top + 46);
    drawCaption(context, words[at], middle, top + 46 + box.height, wide);
    const own =
      stage === "image" ? view.stages.image.shown.length !== 3 : view.state.scale !== "shared";
    if (own && !view.written)
      drawBar(context, view.stages[stage].colours, featviz.barLabel(view, stage), x, bar, room);
  }

  /**
   * Draw the four panels.
   * @param {object} view
   * @returns {HTMLCanvasElement} on white, two pixels to each of the page
   */
  function drawPicturePage(view) {
    const layout = layoutOf(view);
    const { rooms, wide, tall } = layout;
    const canvas = el("canvas", {
      width: Math.round(wide * SCALE),
      height: Math.round(tall * SCALE),
    });
    const context = canvas.getContext("2d");
    context.scale(SCALE, SCALE);
    context.fillStyle = "#ffffff";
    context.fillRect(0, 0, wide, tall);
    const room = wide - 2 * MARGIN;
    writeLine(context, view.island.title, MARGIN, MARGIN + 14, {
      size: 18,
      weight: 700,
      colour: INK,
      room,
      align: "left",
    });
    let x = MARGIN;
    rooms.forEach((width, at) => {
      drawPanel(context, view, at, x, layout);
      x += width + GAP;
    });
    if (!view.written && view.state.scale === "shared") {
      const span = wide - 2 * MARGIN - rooms[0] - GAP;
      const width = Math.min(560, span);
      const left = MARGIN + rooms[0] + GAP + (span - width) / 2;
      drawBar(
        context,
        view.stages.filter.colours,
        featviz.barLabel(view, "filter"),
        left,
        layout.bar,
        width,
      );
    }
    const words = featviz.runText(view.run, view.state.kernel.name);
    writeLine(context, words, MARGIN, tall - 16, { size: 12, colour: FAINT, room, align: "left" });
    return canvas;
  }

  /** Save the panels; where a frame forbids downloads the picture is shown to be kept by hand. */
  function save(view) {
    const address = URL.createObjectURL(blobOf(drawPicturePage(view)));
    const name = `${view.image.name.replace(/(.)\.\w{1,5}$/, "$1").replace(/[^\p{L}\p{N}._-]+/gu, "_")}-panels.png`;
    el("a", { href: address, download: name }).click();
    const framed = globalThis.origin === "null" && globalThis.parent !== globalThis;
    if (framed)
      one("#saved").replaceChildren(
        el("img", { src: address, alt: "The four panels as one picture" }),
      );
    else setTimeout(() => URL.revokeObjectURL(address), 10000);
    write(
      one("#share-told"),
      framed
        ? "This frame may not save files: keep the picture below by its menu."
        : `Saved as ${name}.`,
    );
  }

  /** A canvas as PNG, at once: toBlob waits for the browser to be idle, up to seven seconds. */
  function blobOf(canvas) {
    const text = atob(canvas.toDataURL("image/png").split(",")[1]);
    return new Blob([Uint8Array.from(text, (letter) => letter.charCodeAt(0))], {
      type: "image/png",
    });
  }

  const connectPicture = (view) => one("#save").addEventListener("click", () => save(view));

  Object.assign(featviz, { connectPicture });
})();
