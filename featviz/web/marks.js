// What is written over the colours: grid and numbers, windows and their taps, covers.
"use strict";
(() => {
  const featviz = (globalThis.featviz ??= {});
  const INK = "#1a1a1a";
  const LINE = "#888888";
  // Yellow on black is seen on every colour of the palettes, and without telling red from green.
  const BRIGHT = "#ffd60a";
  const DARK = "#111111";
  const LEAST = 7; // pixels: a smaller mark would be overlooked
  const FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif';

  /**
   * Size a canvas for the screen and return its context, to be drawn on in CSS pixels.
   * @param {HTMLCanvasElement} canvas @param {number} width @param {number} height
   */
  function sharpContext(canvas, width, height) {
    const ratio = Math.min(globalThis.devicePixelRatio || 1, 3);
    const [wide, tall] = [
      Math.max(1, Math.round(width * ratio)),
      Math.max(1, Math.round(height * ratio)),
    ];
    if (canvas.width !== wide || canvas.height !== tall) {
      canvas.width = wide;
      canvas.height = tall;
    }
    const context = canvas.getContext("2d");
    context.setTransform(wide / width, 0, 0, tall / height, 0, 0);
    context.clearRect(0, 0, width, height);
    return context;
  }

  function textSize(context, texts, cell) {
    context.font = `100px ${FONT}`;
    let widest = 1;
    for (const text of texts) widest = Math.max(widest, context.measureText(text).width);
    return Math.min(15, 0.45 * cell, (0.86 * cell * 100) / widest);
  }

  /**
   * Write a number into every cell, and the lines between the cells.
   * @param {CanvasRenderingContext2D} context
   * @param {{plane, across: number, down: number}} frame a plane and the pixels of its cells
   * @param {string[]} texts height·width of them @param {Float32Array} values @param {object} colours
   */
  function drawNumbers(context, { plane, across, down, light }, texts, values, colours) {
    const { height, width, top, left, tall, wide } = plane;
    context.strokeStyle = LINE;
    context.lineWidth = 0.6;
    context.beginPath();
    for (let x = 0; x <= width; x++)
      lineTo(context, (x + left) * across, top * down, 0, height * down);
    for (let y = 0; y <= height; y++)
      lineTo(context, left * across, (y + top) * down, width * across, 0);
    context.stroke();
    const size = textSize(context, texts, Math.min(across, down));
    context.font = `${size}px ${FONT}`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    for (let y = 0, at = 0; y < height; y++) {
      for (let x = 0; x < width; x++, at++) {
        context.fillStyle = featviz.isLight(values[at], colours) ? INK : "#ffffff";
        context.fillText(texts[at], (x + left + 0.5) * across, (y + top + 0.53) * down);
      }
    }
    const tone = light ? LIGHT : tones();
    if (tall !== height || wide !== width) drawAdded(context, { plane, across, down }, texts, tone);
  }

  function lineTo(context, x, y, dx, dy) {
    context.moveTo(x, y);
    context.lineTo(x + dx, y + dy);
  }

  /** The cells that are added: dashed lines, and faintly what a kernel reads there. */
  function drawAdded(context, { plane, across, down }, texts, tone) {
    context.save();
    context.setLineDash([2, 3]);
    context.beginPath();
    for (let x = 0; x <= plane.wide; x++) lineTo(context, x * across, 0, 0, plane.tall * down);
    for (let y = 0; y <= plane.tall; y++) lineTo(context, 0, y * down, plane.wide * across, 0);
    context.stroke();
    context.fillStyle = plane.rows ? tone.text : "#85837b";
    context.globalAlpha = plane.rows ? 0.75 : 1;
    const { tall, wide, top, left, height, width, rows, columns } = plane;
    for (let y = 0; plane.read && y < tall; y++) {
      for (let x = 0; x < wide; x++) {
        if (y >= top && x >= left && y < top + height && x < left + width) continue;
        const text = rows ? texts[rows[y] * width + columns[x]] : "0";
        context.fillText(text, (x + 0.5) * across, (y + 0.53) * down);
      }
    }
    context.restore();
  }

  /** Outline cells from (row, column) on the padded plane, large enough to be seen. */
  function outline(context, frame, { row, column, rows = 1, columns = 1 }, dashed = false) {
    let [x, y] = [column * frame.across, row * frame.down];
    let [width, height] = [columns * frame.across, rows * frame.down];
    if (width < LEAST) [x, width] = [x - (LEAST - width) / 2, LEAST];
    if (height < LEAST) [y, height] = [y - (LEAST - height) / 2, LEAST];
    context.setLineDash([]);
    context.strokeStyle = DARK;
    context.lineWidth = 4;
    context.strokeRect(x, y, width, height);
    context.strokeStyle = BRIGHT;
    context.lineWidth = 2;
    if (dashed) context.setLineDash([5, 4]);
    context.strokeRect(x, y, width, height);
    context.setLineDash([]);
  }

  const LIGHT = { ground: "#efece4", ink: "#8d897c", text: INK };
  const DIM = { ground: "#2a2d32", ink: "#5d6066", text: "#ececea" };
  const dark = globalThis.matchMedia("(prefers-color-scheme: dark)");
  const tones = () => (dark.matches ? DIM : LIGHT);

  /** Dots on the cells that a window touches, so that the gaps of a dilation stay empty. */
  function drawTaps(context, { across, down, steps = [1, 1], low = 0.84 }, taps) {
    if (Math.min(steps[0] * down, steps[1] * across) < 4) return;
    const radius = Math.min(3.5, Math.max(1.5, Math.min(across, down) * 0.12));
    for (const { row, column } of taps) {
      const [x, y] = [(column + 0.5) * across, (row + low) * down];
      context.beginPath();
      context.arc(x, y, radius, 0, 7);
      context.fillStyle = BRIGHT;
      context.strokeStyle = DARK;
      context.lineWidth = 2;
      context.stroke();
      context.fill();
    }
  }

  function hatch(context, x, y, width, height, { ground, ink } = tones()) {
    context.save();
    context.beginPath();
    context.rect(x, y, width, height);
    context.clip();
    context.fillStyle = ground;
    context.fillRect(x, y, width, height);
    context.strokeStyle = ink;
    context.lineWidth = 1;
    context.beginPath();
    for (let at = -height; at < width; at += 7)
      lineTo(context, x + at, y + height, height, -height);
    context.stroke();
    context.restore();
  }

  /** Cover all cells of a map from number `from` on, in reading order. */
  function coverFrom(context, { plane, across, down }, from) {
    const [row, column] = [Math.floor(from / plane.width), from % plane.width];
    const [x, y] = [plane.left * across, (plane.top + row) * down];
    const right = (plane.width - column) * across;
    if (row < plane.height) hatch(context, x + column * across, y, right, down);
    const below = plane.height - row - 1;
    if (below > 0) hatch(context, x, y + down, plane.width * across, below * down);
  }

  function drawUncovered(context, { plane, across, down }, { rows, columns }) {
    const [x, y] = [plane.left * across, plane.top * down];
    const clear = "rgba(0, 0, 0, 0)";
    const paint = (size) => ({
      ground: "rgba(163, 20, 60, 0.28)",
      ink: size < 4 ? clear : "rgba(255, 255, 255, 0.75)",
    });
    const thick = (size, count) => (count > 8 ? size : Math.max(size, 1.5)); // a few must be seen
    for (const row of rows) {
      hatch(
        context,
        x,
        y + row * down,
        plane.width * across,
        thick(down, rows.length),
        paint(down),
      );
    }
    for (const column of columns) {
      hatch(
        context,
        x + column * across,
        y,
        thick(across, columns.length),
        plane.height * down,
        paint(across),
      );
    }
  }

  function drawQuestion(context, frame, { row, column }) {
    const { plane, across, down } = frame;
    const [x, y] = [(plane.left + column) * across, (plane.top + row) * down];
    const { ground, text } = tones();
    context.fillStyle = ground;
    context.fillRect(x, y, across, down);
    const size = Math.min(across, down) * 0.7;
    context.font = `700 ${size}px ${FONT}`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.fillStyle = text;
    context.fillText("?", x + across / 2, y + down * 0.53);
  }

  /**
   * Draw the marks of one panel.
   * @param {CanvasRenderingContext2D} context
   * @param {object} frame as in drawNumbers; `steps` are the dilations of the taps
   * @param {object} marks any of `uncovered`, `coverFrom` (a number), `hidden` ({row, column}),
   *   `window` and `taps` (on the padded plane), `cell`, `winner` (on the map)
   */
  function drawMarks(context, frame, marks) {
    const { plane } = frame;
    if (marks.uncovered) drawUncovered(context, frame, marks.uncovered);
    if (marks.coverFrom !== undefined) coverFrom(context, frame, marks.coverFrom);
    if (marks.hidden) drawQuestion(context, frame, marks.hidden);
    if (marks.window) {
      const { top, left, height, width } = marks.window;
      drawTaps(context, frame, marks.taps || []);
      outline(context, frame, { row: top, column: left, rows: height, columns: width });
    }
    if (marks.winner) outline(context, frame, marks.winner, true);
    if (marks.cell) {
      const { row, column } = marks.cell;
      outline(context, frame, { row: row + plane.top, column: column + plane.left });
    }
  }

  Object.assign(featviz, { dark, sharpContext, drawNumbers, drawMarks, hatch, LIGHT, FONT });
})();
