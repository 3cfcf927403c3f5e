// The four panels: titles, pictures, captions, colour bars; their sizes; what is marked on them.
"use strict";
(() => {
  const featviz = (globalThis.featviz ??= {});
  const { STAGES, one, el, write, valueText, shareText } = featviz;
  const MAPS = STAGES.slice(1);
  const panels = {};
  const counted = new WeakMap(); // plane of the image → its numbers
  const means = new WeakMap(); // planes of the image → their mean

  function buildPanels() {
    for (const stage of STAGES) {
      const base = el("canvas", { className: "base", "aria-hidden": "true" });
      const ink = el("canvas", { "aria-hidden": "true" });
      const over = el("canvas", { "aria-hidden": "true" });
      const plane = el("div", { className: "plane", id: `plane-${stage}` }, base, ink, over);
      plane.setAttribute("role", stage === "image" ? "img" : "application");
      if (stage !== "image") plane.tabIndex = 0;
      plane.classList.add(stage === "image" ? "tells" : "asks");
      const parts = {
        title: el("h3"),
        name: el("span", { className: "name" }),
        plane,
        base,
        ink,
        over,
        mark: el("p", { className: "mark" }),
        lines: [el("p"), el("p"), el("p", { className: "sizes" })],
        bar: buildBar(),
      };
      parts.figure = el(
        "figure",
        { className: "panel", id: `panel-${stage}` },
        parts.title,
        parts.name,
        el("div", { className: "scroll" }, plane),
        parts.mark,
        ...parts.lines,
        parts.bar.box,
      );
      panels[stage] = parts;
      one("#panels").append(parts.figure);
    }
    panels.shared = buildBar();
    one("#shared-bar").append(panels.shared.box);
  }

  function buildBar() {
    const canvas = el("canvas", { "aria-hidden": "true" });
    const ends = el("div", { className: "ends" });
    const label = el("span");
    return { canvas, ends, label, box: el("div", { className: "bar" }, canvas, ends, label) };
  }

  /** Put the run into stages: map, plane, numbers about it and colours, all limits together. */
  function describeRun(view) {
    const { run, state } = view;
    const { border, pool } = run.settings;
    const names = { image: "image", filter: "filtered", detect: "detected", condense: "condensed" };
    view.stages = {};
    for (const stage of STAGES) {
      const { maps, height, width } = run[names[stage]];
      view.stages[stage] = { maps, height, width, stats: [] };
    }
    const told = featviz.withoutRounding(run);
    view.told = { ...run }; // what a pool sees is what the panels show
    for (const stage of MAPS) {
      const [name, maps] = [names[stage], told[names[stage]]];
      view.stages[stage].told = maps;
      view.told[name] = { ...run[name], maps };
    }
    const { image, filter, detect } = view.stages;
    image.plane = featviz.planeOf(image.height, image.width, run.axes, border);
    image.plane.read = true; // its padding takes part in the sums, that of a pool does not
    detect.plane = featviz.planeOf(
      detect.height,
      detect.width,
      pool === "none" ? null : run.poolAxes,
    );
    for (const stage of ["filter", "condense"]) {
      view.stages[stage].plane = featviz.planeOf(
        view.stages[stage].height,
        view.stages[stage].width,
        null,
      );
    }
    state.map = Math.min(state.map, filter.maps.length - 1);
    view.written = featviz.numbersWritten(view);
    chooseColours(view);
  }

  function chooseColours(view) {
    const { stages, state } = view;
    const gamma = view.written ? 1 : view.island.gamma;
    for (const stage of MAPS) {
      const found = stages[stage];
      found.map = found.maps[state.map];
      found.stats = found.told.map(featviz.stats);
    }
    const all = MAPS.flatMap((stage) => stages[stage].stats);
    for (const stage of MAPS) {
      const { stats } = stages[stage];
      let limits = featviz.colourLimits(all, true);
      if (state.scale === "signed") limits = featviz.colourLimits(stats, true);
      if (state.scale === "each")
        limits = featviz.colourLimits([stats[state.map]], stage === "filter");
      stages[stage].colours = featviz.colouring(limits, gamma);
    }
    colourImage(view);
  }

  /** The image: colours where there are three channels in 0..1, else grey. */
  function colourImage(view) {
    const { image } = view.stages;
    const { color } = view.run.settings;
    let maps = image.maps;
    if (color === "each" && maps.length > 1) maps = [maps[view.state.map % maps.length]];
    const stats = maps.map(imageStats);
    const low = Math.min(...stats.map((item) => item.low));
    const high = Math.max(...stats.map((item) => item.high));
    const inside = low >= 0 && high <= 1;
    const zeros = stats.reduce((sum, item) => sum + item.zeros, 0) / stats.length;
    image.channels = maps.length;
    image.stats = [{ low, high, zeros, nans: 0, infinite: 0 }];
    if (maps.length > 1 && !(maps.length === 3 && inside)) maps = [meanOf(maps)];
    image.shown = maps;
    image.map = maps[0];
    const limits = inside ? [0, 1] : [Math.min(low, 0), Math.max(high, 0) || 1];
    image.colours = featviz.colouring(limits, 1, "grey");
  }

  /** The numbers of a plane of the image, which no edit changes. */
  function imageStats(map) {
    if (!counted.has(map)) counted.set(map, featviz.stats(map));
    return counted.get(map);
  }

  function meanOf(maps) {
    if (means.has(maps)) return means.get(maps);
    const mean = new Float32Array(maps[0].length);
    for (let i = 0; i < mean.length; i++) {
      let sum = 0;
      for (const map of maps) sum += map[i];
      mean[i] = sum / maps.length;
    }
    means.set(maps, mean);
    return mean;
  }

  /** Titles and captions of one stage, as the figures of Python have them. */
  function captionOf(view, stage) {
    const { run, state, stages } = view;
    const found = stages[stage];
    const label = run.filtered.labels[state.map] || view.state.kernel.name;
    if (stage === "image") {
      const [stats] = found.stats;
      const mean = found.channels > 1 && found.shown.length === 1;
      return {
        title: "Image",
        name:
          found.channels === 1 && run.settings.color === "each"
            ? label.split(" · ").pop()
            : "as the kernel sees it",
        mark: "",
        lines: [
          `${featviz.sizeText([found.height, found.width, found.channels])} · ${featviz.rangeText(stats, found.map.length)}`,
          `${shareText(stats.zeros)} zeros${mean ? `, mean of ${found.channels} channels` : ""}`,
          "",
        ],
      };
    }
    const stats = found.stats[state.map];
    const titles = {
      filter: "Filter",
      detect: `Detect · ${run.settings.activation}`,
      condense: `Condense · ${featviz.poolName(run.settings)}`,
    };
    const active = stage === "filter" ? "" : ` · ${shareText(stats.active)} active`;
    const axes = { filter: run.axes, condense: run.poolAxes }[stage];
    const size = featviz.sizeText([found.height, found.width]);
    const { practice } = view; // what tells the answer, or is made of it, is not said
    const hidden =
      practice && !practice.done && STAGES.indexOf(stage) >= STAGES.indexOf(practice.stage);
    return {
      title: titles[stage],
      name: label,
      mark: hidden ? "" : featviz.markText(stats, found.height, found.width),
      lines: [
        hidden ? size : `${size} · ${featviz.rangeText(stats, found.map.length)}`,
        hidden ? "its numbers are asked" : `${shareText(stats.zeros)} zeros${active}`,
        axes ? formulaText(axes) : "",
      ],
    };
  }

  function formulaText(axes) {
    const [rows, columns] = axes.map((axis) => featviz.sizeFormula(axis));
    return rows === columns ? rows : `rows ${rows}\ncolumns ${columns}`;
  }

  /** Draw pictures, captions and bars of a run; marks come on top of them. */
  function drawPanels(view) {
    describeRun(view);
    sizePanels(view);
    for (const stage of STAGES) {
      const parts = panels[stage];
      const found = view.stages[stage];
      featviz.paint(parts.base, found.shown || [found.map], found.plane, found.colours);
      drawInk(view, stage);
    }
    writeCaptions(view);
  }

  function writeCaptions(view) {
    for (const stage of STAGES) {
      const parts = panels[stage];
      const words = captionOf(view, stage);
      write(parts.title, words.title);
      write(parts.name, words.name);
      write(parts.mark, words.mark);
      parts.mark.hidden = !words.mark;
      write(parts.lines[0], words.lines[0]);
      write(parts.lines[1], words.lines[1]);
      writeFormulas(parts.lines[2], words.lines[2]);
    }
    drawBars(view);
  }

  /**
   * Formulas as boxes: a narrow panel moves one to the next line rather than breaking it; one
   * that is too long for a line breaks before its dilated window and after the rounding.
   */
  function writeFormulas(node, text) {
    if (node.textContent === text) return;
    const parts = text.split(/(rows |\ncolumns )/).filter(Boolean);
    const boxed = (formula) => {
      const halves = formula.split(/( )(?=− \(|\+ 1 = )/);
      if (halves.length === 1) return el("span", {}, formula);
      return el("span", {}, ...halves.map((half) => (half === " " ? half : el("span", {}, half))));
    };
    node.replaceChildren(...parts.map((part) => (part.startsWith("⌊") ? boxed(part) : part)));
  }

  function drawInk(view, stage) {
    const { ink } = panels[stage];
    const found = view.stages[stage];
    ink.hidden = !found.texts;
    if (!found.texts) return;
    const { across, down, plane } = found.frame;
    const context = featviz.sharpContext(ink, plane.wide * across, plane.tall * down);
    featviz.drawNumbers(context, found.frame, found.texts, found.map, found.colours);
  }

  function drawBars(view) {
    const { stages, state, practice } = view;
    const shared = state.scale === "shared";
    const asked = Boolean(view.written && practice && !practice.done); // an end may be the answer
    for (const stage of STAGES) {
      const hidden = stage === "image" ? stages.image.shown.length === 3 : shared || asked;
      drawBar(panels[stage].bar, stages[stage].colours, barLabel(view, stage), {
        hidden,
        few: true,
      });
    }
    const hidden = !shared || asked;
    drawBar(panels.shared, stages.filter.colours, barLabel(view, "filter"), { hidden });
  }

  /** What a reader is told about a scale. */
  function barLabel({ state }, stage) {
    if (stage === "image") return "image";
    const words = {
      shared: "one scale for all maps",
      signed: `one scale for ${stage}`,
      each: "own scale",
    };
    return words[state.scale];
  }

  function drawBar(bar, colours, label, { hidden, few = false }) {
    bar.box.hidden = hidden;
    const key = `${colours.limits} ${colours.palette} ${colours.gamma} ${label}`;
    if (hidden || bar.key === key) return;
    bar.key = key;
    featviz.paintBar(bar.canvas, colours);
    const all = barValues(colours);
    const values = few && all.length > 3 ? [all[0], all[2], all[4]] : all;
    bar.ends.replaceChildren(...values.map((value) => el("span", {}, valueText(value))));
    for (let at = 1; at < values.length - 1; at++)
      bar.ends.children[at].style.left = `${(100 * at) / (values.length - 1)}%`;
    write(bar.label, label + (colours.gamma === 1 ? "" : `, gamma ${colours.gamma}`));
  }

  /** Values at even places of a bar: its ends, its middle, and what gamma makes of a quarter. */
  function barValues({ limits: [low, high], gamma }) {
    if (low < 0 && high === -low) {
      const part = 0.5 ** (1 / gamma);
      return [low, low * part, 0, high * part, high];
    }
    const bent = (share) => low + (high - low) * share ** (1 / gamma);
    return [low, bent(0.5), high];
  }

  function sizePanels(view) {
    const host = one("#panels");
    const { columns, figures } = featviz.chooseFrames(view, host.clientWidth || 320);
    host.classList.toggle("two", columns === 2);
    for (const stage of STAGES) {
      const { plane, across, down } = view.stages[stage].frame;
      const { style } = panels[stage].plane;
      style.width = `${plane.wide * across}px`;
      style.height = `${plane.tall * down}px`;
      panels[stage].base.classList.toggle("crisp", Math.max(across, down) >= 1);
      panels[stage].figure.style.width = `${figures[stage]}px`;
    }
  }

  function markPanels(view, marks) {
    for (const stage of STAGES) {
      const { frame } = view.stages[stage];
      const { plane, across, down } = frame;
      const context = featviz.sharpContext(
        panels[stage].over,
        plane.wide * across,
        plane.tall * down,
      );
      featviz.drawMarks(context, frame, marks[stage] || {});
    }
  }

  Object.assign(featviz, {
    panels,
    buildPanels,
    drawPanels,
    writeCaptions,
    markPanels,
    captionOf,
    barValues,
    barLabel,
  });
})();
