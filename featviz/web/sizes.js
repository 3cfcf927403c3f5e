// How large the cells of the panels are drawn, and whether numbers are written into them.
"use strict";
(() => {
  const featviz = (globalThis.featviz ??= {});
  const STAGES = ["image", "filter", "detect", "condense"];
  const MOST_CELLS_WITH_NUMBERS = 12;
  const MOST_CELLS = 48;
  const GAP = 18; // pixels, as in style.css
  const NARROW_GAP = 12;
  const LEAST_WIDE = 182; // pixels: the longest title

  const numbersWritten = (view) => {
    const sizes = Object.values(view.stages).flatMap(({ height, width }) => [height, width]);
    const largest = Math.max(...sizes);
    if (view.state.numbers === null) return largest <= MOST_CELLS_WITH_NUMBERS;
    return view.state.numbers && largest <= MOST_CELLS;
  };

  /**
   * Choose the pixels of a cell: of all maps alike with numbers, else each panel filled.
   * @param {object} view whose stages get a `frame` of plane, across and down
   * @param {number} room pixels from left to right
   * @returns {{columns: number, figures: object}} panels in a row, pixels of each by its stage
   */
  function chooseFrames(view, room) {
    const columns = room >= 4 * LEAST_WIDE + 3 * GAP ? 4 : 2;
    const gap = columns === 4 ? GAP : NARROW_GAP;
    const wide = Math.floor((room - gap * (columns - 1)) / columns);
    const cells = view.written ? numberCells(view, room, columns) : null;
    const least = columns === 4 ? LEAST_WIDE : Math.min(LEAST_WIDE, wide);
    const figures = {};
    for (const stage of STAGES) {
      const { plane } = view.stages[stage];
      const cell = cells ? cells[stage] : 0;
      const sizes = cell ? { across: cell, down: cell } : pictureCell(plane, wide);
      view.stages[stage].frame = { plane, ...sizes };
      figures[stage] = cell ? Math.min(room, Math.max(plane.wide * cell + 2, least)) : wide;
    }
    return { columns, figures };
  }

  function pictureCell({ wide, tall }, room) {
    const scale = Math.min((room - 2) / wide, (room * 1.2) / tall);
    const thin = 26; // a panel of one row or column is drawn as a band
    return { across: Math.max(scale, thin / wide), down: Math.max(scale, thin / tall) };
  }

  const LONG_TEXTS = [42, 42, 42, 42, 48]; // pixels of a cell by the letters of its longest text

  /** Cells that can be read: equally large in all maps, on a narrow page as each has room. */
  function numberCells(view, room, columns) {
    const wanted = {};
    for (const stage of STAGES) {
      const found = view.stages[stage];
      const coloured = found.shown && found.shown.length === 3;
      const map = found.told ? found.told[view.state.map] : found.map;
      found.texts = coloured ? null : Array.from(map, (value) => featviz.cellText(value));
      const longest = (found.texts || []).reduce((most, text) => Math.max(most, text.length), 1);
      wanted[stage] = LONG_TEXTS[longest] || 56;
    }
    const largest = Math.max(...Object.values(wanted));
    const wide = (stage) => view.stages[stage].plane.wide;
    const widest = Math.max(...STAGES.map(wide));
    const alike = (cell) => Object.fromEntries(STAGES.map((stage) => [stage, cell]));
    const total = (cell) =>
      STAGES.reduce((sum, stage) => sum + Math.max(wide(stage) * cell + 2, LEAST_WIDE), 3 * GAP);
    for (let cell = largest; cell >= 34; cell--) if (total(cell) <= room) return alike(cell); // one row
    const half = Math.floor(((room - 12) / 2 - 2) / widest);
    if (half >= 26 && half >= largest - 16) return alike(Math.min(largest, half)); // two in a row
    const fitting = (stage, most) =>
      Math.min(most, Math.max(24, Math.floor((room - 6) / wide(stage))));
    if (columns === 4) return alike(Math.min(...STAGES.map((stage) => fitting(stage, largest))));
    return Object.fromEntries(STAGES.map((stage) => [stage, fitting(stage, wanted[stage])]));
  }

  Object.assign(featviz, { STAGES, numbersWritten, chooseFrames });
})();
