// Condense: the pools. The padding of a max-pool is −∞ and that of an average is not counted.
"use strict";
(() => {
  const featviz = (globalThis.featviz ??= {});
  /** The size [H, W] of a condensed map. */
  featviz.pooledSize = function (size, pool, axes) {
    if (axes) return axes.map((axis) => axis.outputs);
    return pool === "none" ? size : [1, 1];
  };

  /**
   * One map condensed; NaN is passed on.
   * @param {Float32Array} map of H × W.
   * @param {number[]} size [H, W].
   * @param {string} pool "max", "average", "global_max", "global_average" or "none".
   * @param {Array|null} axes of a pool that moves.
   * @returns {Float32Array} a new map.
   */
  featviz.pooled = function (map, size, pool, axes) {
    if (pool === "none") return map.slice();
    const width = size[1];
    const measure = pool.endsWith("max") ? highest : mean;
    if (!axes) return Float32Array.of(measure(map, width, 0, size[0], 0, width));
    const [rows, columns] = axes.map(spans);
    const result = new Float32Array(rows.length * columns.length);
    let to = 0;
    for (const [top, bottom] of rows) {
      for (const [left, right] of columns) {
        result[to] = measure(map, width, top, bottom, left, right);
        to += 1;
      }
    }
    return result;
  };

  /** The cells of the map, from and up to, that each window of an axis sees. */
  function spans(axis) {
    return Array.from({ length: axis.outputs }, (_, output) => {
      const start = output * axis.stride - axis.before;
      return [Math.max(start, 0), Math.min(start + axis.window, axis.size)];
    });
  }

  function highest(map, width, top, bottom, left, right) {
    let most = map[top * width + left];
    for (let row = top; row < bottom; row += 1) {
      for (let at = row * width + left; at < row * width + right; at += 1) {
        const value = map[at];
        if (value > most) most = value;
        else if (value !== value) return NaN;
      }
    }
    return most;
  }

  function mean(map, width, top, bottom, left, right) {
    let sum = 0;
    for (let row = top; row < bottom; row += 1) {
      for (let at = row * width + left; at < row * width + right; at += 1) sum += map[at];
    }
    return sum / ((bottom - top) * (right - left));
  }
})();
