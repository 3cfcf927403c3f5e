// Pointing at a cell, stepping, playing and scrubbing, by pointer and by keyboard.
"use strict";
(() => {
  const featviz = (globalThis.featviz ??= {});
  const { one, write } = featviz;
  const SPEEDS = [0.5, 1, 2, 3, 5, 10, 20, 50, 200, 1000, 5000]; // cells per second
  const still = globalThis.matchMedia("(prefers-reduced-motion: reduce)");
  let timer = 0; // the animation frame that is asked for
  let before = 0;
  let due = 0; // cells to go, in part

  const sizeOf = (view, stage) => view.stages[stage];
  const indexOf = (view, { stage, row, column }) => row * sizeOf(view, stage).width + column;

  /** Keep a cell within the map it belongs to. */
  function inside(view, { stage, row, column }) {
    const { height, width } = sizeOf(view, stage);
    return {
      stage,
      row: Math.min(Math.max(row, 0), height - 1),
      column: Math.min(Math.max(column, 0), width - 1),
    };
  }

  /** Which cell is shown: the one under the pointer, else the one that was chosen. */
  const shownCell = (view) => inside(view, view.hover || view.state.cell);

  /**
   * Show how a cell comes about: marks on the panels, arithmetic, place of the slider.
   * @param {object} view
   * @param {boolean} aloud whether a screen reader is told
   */
  function showCell(view, aloud = false) {
    const cell = shownCell(view);
    const found = featviz.explain(
      view.told,
      cell.stage === "condense" ? "condense" : "filter",
      cell.row,
      cell.column,
      view.state.map,
    );
    const asked = view.practice && !view.practice.done ? view.practice : null;
    view.marks = marksOf(view, cell, found, asked);
    featviz.markPanels(view, view.marks);
    featviz.showArithmetic(view, cell, found, asked);
    if (view.pixel) write(one("#place"), `${pixelText(view)} ${one("#place").textContent}`);
    const words = describeCell(view, cell, found, asked);
    if (!view.hover) {
      const { height, width } = sizeOf(view, cell.stage);
      const scrub = one("#scrub");
      scrub.max = String(height * width - 1);
      scrub.value = String(indexOf(view, cell));
      scrub.setAttribute("aria-valuetext", words);
      one("#stage").value = cell.stage;
    }
    labelPanels(view, words);
    if (aloud) write(one("#told"), words);
  }

  function marksOf(view, cell, found, asked) {
    const { run, state } = view;
    const marks = {
      image: { uncovered: run.uncovered },
      filter: {},
      detect: { uncovered: run.poolUncovered },
      condense: {},
    };
    if (cell.stage === "condense") {
      const winner = found.taps[found.winner];
      const taps = found.taps.filter((tap) => tap.kind !== "padding");
      Object.assign(marks.detect, {
        window: found.window,
        taps: winner ? [] : taps,
        winner: asked ? null : winner,
      });
      marks.condense.cell = cell;
    } else {
      view.stages.image.frame.steps = run.settings.dilation;
      Object.assign(marks.image, {
        window: found.window,
        taps: found.taps.filter((tap) => tap.channel === found.taps[0].channel),
      });
      marks.filter.cell = cell;
      if (cell.stage === "detect") marks.detect.cell = cell;
    }
    if (view.pixel) marks.image.cell = view.pixel;
    const later = featviz.STAGES.slice(featviz.STAGES.indexOf(cell.stage) + 1);
    if (asked) {
      marks[cell.stage].hidden = cell;
      for (const stage of later) marks[stage].coverFrom = 0;
    } else if (state.cover) {
      marks[cell.stage].coverFrom = indexOf(view, cell) + 1;
      for (const stage of later) marks[stage].coverFrom = 0;
    }
    return marks;
  }

  function describeCell(view, cell, found, asked) {
    const { told, width, height } = view.stages[cell.stage];
    const map = told[view.state.map];
    const error = featviz.cellError(view, cell.stage, found);
    const number = map[cell.row * width + cell.column];
    const value = asked ? "hidden" : featviz.sureText(number, error);
    return `${featviz.pointText(cell)}: ${value} (cell ${indexOf(view, cell) + 1} of ${height * width})`;
  }

  function labelPanels(view, words) {
    for (const stage of featviz.STAGES) {
      const { title, name, lines, mark } = featviz.captionOf(view, stage);
      const text = [title, name, ...lines, mark].filter(Boolean).join(", ");
      featviz.panels[stage].plane.setAttribute(
        "aria-label",
        stage === "image" ? text : `${text}. ${words}. Arrow keys move from cell to cell.`,
      );
    }
  }

  /** The numbers of the pixel that is pointed at. */
  function pixelText({ image, run, pixel }) {
    const at = pixel.row * image.width + pixel.column;
    const { names } = featviz.inputPlanes(image, "each");
    const grey = run.settings.color === "grey" && image.channels > 1;
    const texts = featviz.cellTexts(
      [...image.planes, ...(grey ? run.image.maps : [])].map((plane) => plane[at]),
    );
    const words = image.channels === 1 ? texts : texts.map((text, at) => `${names[at] ?? "grey"} ${text}`);
    return `Image, row ${pixel.row}, column ${pixel.column}: ${words.join(", ")}.`;
  }

  /** The cell of filter whose window has a pixel in its middle, or the nearest there is. */
  function cellOver(view, pixel) {
    const [row, column] = view.run.axes.map(({ before, extent, stride }, axis) =>
      Math.round(([pixel.row, pixel.column][axis] + before - (extent - 1) / 2) / stride),
    );
    return inside(view, { stage: "filter", row, column });
  }

  const pointAt = (view, cell) => {
    view.pixel = cell?.stage === "image" ? cell : null;
    return view.pixel ? cellOver(view, cell) : cell;
  };

  /** Choose a cell for good; of the image, that whose window lies there. */
  function choose(view, point, aloud = true) {
    if (view.practice && !view.practice.done) return;
    const cell = pointAt(view, point);
    view.hover = null;
    view.state.cell = inside(view, cell);
    showCell(view, aloud);
    featviz.keep();
  }

  function chooseIndex(view, index, aloud) {
    const { stage } = view.state.cell;
    const { height, width } = sizeOf(view, stage);
    const at = Math.min(Math.max(index, 0), height * width - 1);
    choose(view, { stage, row: Math.floor(at / width), column: at % width }, aloud);
  }

  const step = (view, by) =>
    chooseIndex(view, indexOf(view, inside(view, view.state.cell)) + by, true);

  function play(view) {
    if (timer || still.matches || (view.practice && !view.practice.done)) return;
    const { height, width } = sizeOf(view, view.state.cell.stage);
    if (indexOf(view, view.state.cell) >= height * width - 1) chooseIndex(view, 0, false);
    [before, due] = [0, 0];
    timer = requestAnimationFrame((now) => advance(view, now));
    showPlaying();
  }

  function pause() {
    cancelAnimationFrame(timer);
    timer = 0;
    showPlaying();
  }

  function advance(view, now) {
    timer = 0;
    due += before ? (Math.min(now - before, 500) / 1000) * SPEEDS[view.speed] : 0;
    before = now;
    const cells = Math.floor(due);
    if (cells) {
      due -= cells;
      const { stage } = view.state.cell;
      const { height, width } = sizeOf(view, stage);
      const next = indexOf(view, view.state.cell) + cells;
      chooseIndex(view, next, false);
      featviz.holdHeight(true);
      if (next >= height * width - 1) return pause();
    }
    timer = requestAnimationFrame((time) => advance(view, time));
    return undefined;
  }

  function showPlaying() {
    const button = one("#play");
    write(button, timer ? "Pause" : "Play");
    button.setAttribute("aria-pressed", String(Boolean(timer)));
  }

  function showStill() {
    if (still.matches) pause();
    one("#play").disabled = still.matches;
    one("#still").hidden = !still.matches;
  }

  function showSpeed(view) {
    view.speed = Number(one("#speed").value);
    const text = `${SPEEDS[view.speed]} cell${SPEEDS[view.speed] === 1 ? "" : "s"} a second`;
    write(one("#speed-text"), text);
    one("#speed").setAttribute("aria-valuetext", text);
  }

  function connectPlayer(view) {
    one("#play").addEventListener("click", () => (timer ? pause() : play(view)));
    one("#back").addEventListener("click", () => {
      pause();
      step(view, -1);
    });
    one("#forward").addEventListener("click", () => {
      pause();
      step(view, 1);
    });
    one("#scrub").addEventListener("input", (event) => {
      pause();
      chooseIndex(view, Number(event.target.value), false);
    });
    one("#stage").addEventListener("change", (event) => {
      pause();
      choose(view, { ...view.state.cell, stage: event.target.value });
      one("#stage").value = view.state.cell.stage;
    });
    one("#speed").addEventListener("input", () => showSpeed(view));
    one("#cover").addEventListener("change", (event) => {
      view.state.cover = event.target.checked;
      showCell(view);
    });
    still.addEventListener("change", showStill);
    for (const stage of featviz.STAGES) connectPlane(view, stage);
    document.addEventListener("keydown", (event) => onKey(view, event));
    showStill();
    showSpeed(view);
  }

  function cellUnder(view, stage, event) {
    const { plane, across, down } = view.stages[stage].frame;
    const box = featviz.panels[stage].plane.getBoundingClientRect();
    const row = Math.floor((event.clientY - box.top) / down) - plane.top;
    const column = Math.floor((event.clientX - box.left) / across) - plane.left;
    if (row < 0 || column < 0 || row >= plane.height || column >= plane.width) return null;
    return { stage, row, column };
  }

  function connectPlane(view, stage) {
    const { plane } = featviz.panels[stage];
    let asked = 0;
    plane.addEventListener("pointermove", (event) => {
      if (timer || asked || event.pointerType === "touch" || (view.practice && !view.practice.done))
        return;
      const cell = cellUnder(view, stage, event);
      asked = requestAnimationFrame(() => {
        asked = 0;
        if (timer || (view.practice && !view.practice.done)) return;
        view.hover = pointAt(view, cell);
        showCell(view);
      });
    });
    plane.addEventListener("pointerleave", () => {
      cancelAnimationFrame(asked);
      asked = 0;
      if (!view.hover) return;
      view.hover = view.pixel = null;
      showCell(view);
    });
    plane.addEventListener("click", (event) => {
      const cell = cellUnder(view, stage, event);
      pause();
      if (cell) choose(view, cell);
    });
  }

  const MOVES = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };

  function onKey(view, event) {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const { target } = event;
    const plane = target.closest ? target.closest(".plane.asks") : null;
    const typing = !plane && target.closest("input, select, textarea, .grid-box");
    const pressing = event.key === " " && target.closest("button, summary");
    if (typing || pressing) return;
    const stage = plane ? plane.id.replace("plane-", "") : view.state.cell.stage;
    const cell = inside(view, { ...view.state.cell, stage });
    const { height, width } = sizeOf(view, stage);
    if (event.key === " ") timer ? pause() : play(view);
    else if (event.key === "Home") choose(view, { stage, row: 0, column: 0 });
    else if (event.key === "End") choose(view, { stage, row: height - 1, column: width - 1 });
    else if (event.key === "n") one("#numbers").click();
    else if (event.key in MOVES && plane) {
      pause();
      const [down, across] = MOVES[event.key];
      choose(view, { stage, row: cell.row + down, column: cell.column + across });
    } else if (event.key === "ArrowLeft" || event.key === "ArrowRight") {
      pause();
      step(view, event.key === "ArrowLeft" ? -1 : 1);
    } else return;
    event.preventDefault();
  }

  Object.assign(featviz, { connectPlayer, showCell, choose, pause });
})();
