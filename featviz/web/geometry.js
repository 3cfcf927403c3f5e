// Where windows lie: sizes, pads and uncovered rows; the rules of featviz.geometry.
"use strict";
(() => {
  const featviz = (globalThis.featviz ??= {});
  /** As many cells as the page pads an image to; more would stop the browser. */
  const MOST_CELLS = 1e7;
  /** As many as a browser makes within about a second. */
  const MOST_PRODUCTS = 5e8;

  /**
   * One side of an image and the window that slides along it.
   * @param {number} size cells of the image.
   * @param {number} window taps.
   * @param {number} stride cells from one window to the next.
   * @param {number} dilation cells from one tap to the next.
   * @param {string|number[]} padding "same", "valid", "full" or [before, after].
   * @returns {{size, window, stride, dilation, before, after, extent, outputs}}
   */
  featviz.slide = function (size, window, stride, dilation, padding) {
    const extent = window + (window - 1) * (dilation - 1);
    const [before, after] = pads(size, extent, stride, padding);
    const outputs = Math.floor((size + before + after - extent) / stride) + 1;
    return { size, window, stride, dilation, before, after, extent, outputs };
  };

  function pads(size, extent, stride, padding) {
    if (padding === "valid") return [0, 0];
    if (padding === "full") return [extent - 1, extent - 1];
    if (padding !== "same") return padding;
    const total = Math.max((Math.ceil(size / stride) - 1) * stride + extent - size, 0);
    return [Math.floor(total / 2), Math.ceil(total / 2)];
  }

  /**
   * The two axes of an image [H, W] under a window [h, w].
   * @param {string|Array} padding a word, a number of cells for all sides, or [rows, columns]
   *   with a word, a number or [before, after] each.
   */
  featviz.axesOf = function (sizes, window, stride, dilation, padding) {
    const sides = Array.isArray(padding) ? padding : [padding, padding];
    return [0, 1].map((side) => {
      const given = sides[side];
      const own = typeof given === "number" ? [given, given] : given;
      return featviz.slide(sizes[side], window[side], stride[side], dilation[side], own);
    });
  };

  /** Refuse windows of which not even one fits, and more cells than the page can hold. */
  featviz.checkFits = function (what, target, axes, padding) {
    const [rows, columns] = axes;
    const given = featviz.pythonText(padding);
    const sizes = featviz.sizeText([rows.size, columns.size]);
    if (Math.min(rows.outputs, columns.outputs) < 1) {
      let window = featviz.sizeText([rows.window, columns.window]);
      if (Math.max(rows.dilation, columns.dilation) > 1) {
        window += `, with dilation ${featviz.sizeText([rows.extent, columns.extent])}`;
      }
      throw new Error(
        `${what} (${window}) does not fit the ${target} (${sizes}) with padding ${given}; ` +
          `use padding='same' or a larger ${target}`,
      );
    }
    const padded = axes.map((axis) => axis.before + axis.size + axis.after);
    if (padded[0] * padded[1] > MOST_CELLS) {
      throw new Error(
        `padding must give at most ${MOST_CELLS} cells; got ${given}, ` +
          `which makes the ${target} ${featviz.sizeText(padded)}`,
      );
    }
  };

  /** Refuse what would keep the browser busy for seconds. */
  featviz.checkProducts = function (what, axes, planes) {
    const touched = axes.map((axis) => axis.outputs * Math.min(axis.window, axis.size + axis.before));
    const count = touched[0] * touched[1] * planes;
    if (count > MOST_PRODUCTS) {
      throw new Error(
        `${what} must take at most ${MOST_PRODUCTS} products on the page; got ${count}; ` +
          "choose a smaller one, less padding or a larger stride",
      );
    }
  };

  /**
   * Which cell of the image each cell of the padded axis reads.
   * @param {{size, before, after}} axis
   * @param {string} border "zeros", "reflect", "symmetric", "edge" or "wrap".
   * @returns {Int32Array} before + size + after cells, -1 for a zero.
   */
  featviz.borderIndices = function (axis, border) {
    const cells = new Int32Array(axis.before + axis.size + axis.after);
    const rule = BORDERS[border];
    for (let at = 0; at < cells.length; at += 1) cells[at] = rule(at - axis.before, axis.size);
    return cells;
  };

  /** Which cell of an axis of `size` cells is read at `cell`, which may lie outside; -1 for none. */
  featviz.borderCell = (cell, size, border) => BORDERS[border](cell, size);

  const modulo = (cell, period) => ((cell % period) + period) % period;
  const BORDERS = {
    __proto__: null,
    zeros: (cell, size) => (cell >= 0 && cell < size ? cell : -1),
    edge: (cell, size) => Math.min(Math.max(cell, 0), size - 1),
    wrap: modulo,
    symmetric: (cell, size) => {
      const at = modulo(cell, 2 * size);
      return Math.min(at, 2 * size - 1 - at);
    },
    reflect: (cell, size) => {
      const period = Math.max(2 * (size - 1), 1); // a single cell reflects nothing but itself
      const at = modulo(cell, period);
      return Math.min(at, period - at) % size;
    },
  };

  /**
   * The cells of the image that no tap of any window touches.
   * @returns {number[]} in rising order.
   */
  featviz.uncoveredCells = function (axis, border = "zeros") {
    const source = featviz.borderIndices(axis, border);
    const reached = new Uint8Array(axis.size);
    for (let output = 0; output < axis.outputs; output += 1) {
      for (let tap = 0; tap < axis.window; tap += 1) {
        const cell = source[output * axis.stride + tap * axis.dilation];
        if (cell >= 0) reached[cell] = 1;
      }
    }
    return Array.from(reached.keys()).filter((cell) => !reached[cell]);
  };

  /**
   * The size of the output with its numbers put in: "⌊(28 + 1 + 1 − 3)/2⌋ + 1 = 14".
   * A dilated window is written out: − (2·(3 − 1) + 1).
   */
  featviz.sizeFormula = function (axis) {
    const { size, window, stride, dilation, before, after, outputs } = axis;
    const taken = dilation > 1 ? `(${dilation}·(${window} − 1) + 1)` : `${window}`;
    return `⌊(${size} + ${before} + ${after} − ${taken})/${stride}⌋ + 1 = ${outputs}`;
  };
})();
