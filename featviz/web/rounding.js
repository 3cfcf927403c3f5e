// What rounding leaves of sums that are 0, cell by cell; the rules of featviz.rounding.
"use strict";
(() => {
  const featviz = (globalThis.featviz ??= {});
  // Up to this many values Python computes in float64 (featviz.rounding.EXACT_UP_TO).
  const EXACT_UP_TO = 64 * 64;

  /**
   * The maps of a run with 0 where nothing but rounding is left of the sums.
   * @param {Object} run from compute.
   * @returns {{filtered, detected, condensed}} Float32Array[] each; a map that need not be
   *   changed is that of the run itself.
   */
  featviz.withoutRounding = function (run) {
    const filtered = [];
    const detected = [];
    const condensed = [];
    run.filtered.maps.forEach((before, index) => {
      const sums = sumsOf(run, index);
      filtered.push(settled(before, before, sums));
      detected.push(settled(run.detected.maps[index], before, sums));
      condensed.push(settledPool(run, index, detected[index], sums));
    });
    return { filtered, detected, condensed };
  };

  /** How the sums of a map were made, and the most that rounding may leave of any of them. */
  function sumsOf({ image, axes, settings, rows: weights }, index) {
    const { bias, border, color } = settings;
    const planes = color === "each" ? [image.maps[index]] : image.maps;
    const values = image.maps.length * image.maps[0].length;
    const share = values <= EXACT_UP_TO ? 2 ** -50 : 2 ** -22;
    const total = weights.flat().reduce((sum, weight) => sum + Math.abs(weight), 0);
    const largest = planes.reduce((most, plane) => Math.max(most, largestOf(plane)), 0);
    const most = 1.0001 * share * (largest * total * planes.length + Math.abs(bias));
    const sources = axes.map((axis) => featviz.borderIndices(axis, border));
    return { planes, width: image.width, axes, sources, weights, bias: Math.abs(bias), share, most };
  }

  function largestOf(plane) {
    let largest = 0;
    for (let at = 0; at < plane.length; at += 1) {
      const size = plane[at] < 0 ? -plane[at] : plane[at];
      if (size > largest && size !== Infinity) largest = size;
    }
    return largest;
  }

  /** Share · (Σ |weight·cell| over the window of the cell `at` of the output + |bias|). */
  function boundOf({ planes, width, axes, sources, weights, bias, share }, at) {
    const [rows, columns] = axes;
    const top = Math.floor(at / columns.outputs) * rows.stride;
    const left = (at % columns.outputs) * columns.stride;
    let sum = bias;
    for (let i = 0; i < weights.length; i += 1) {
      const row = sources[0][top + i * rows.dilation];
      for (let j = 0; row >= 0 && j < weights[i].length; j += 1) {
        const column = sources[1][left + j * columns.dilation];
        const weight = Math.abs(weights[i][j]);
        if (column < 0 || weight === 0) continue;
        for (const plane of planes) sum += weight * Math.abs(plane[row * width + column]);
      }
    }
    return share * sum;
  }

  const isSmall = (value, most) => value <= most && value >= -most;

  /** A map of filter or detect; `before` is that of filter. */
  function settled(map, before, sums) {
    let result = map;
    for (let at = 0; at < map.length; at += 1) {
      const value = map[at];
      if (value === 0 || !isSmall(value, sums.most) || !isSmall(before[at], sums.most)) continue;
      const bound = boundOf(sums, at);
      if (!isSmall(value, bound) || !isSmall(before[at], bound)) continue;
      if (result === map) result = map.slice();
      result[at] = 0;
    }
    return result;
  }

  /** A pooled map; `shown` is what is left of the map that was pooled. */
  function settledPool(run, index, shown, sums) {
    const { pool } = run.settings;
    const [map, { height, width, maps }] = [run.condensed.maps[index], run.detected];
    if (pool === "none") return shown;
    const isSome = (value) => value !== 0 && isSmall(value, sums.most);
    if (!map.some(isSome)) return map;
    const pooled = (cells) => featviz.pooled(cells, [height, width], pool, run.poolAxes);
    if (pool.endsWith("max")) {
      const found = pooled(shown);
      return map.map((value, at) => (isSome(value) && found[at] === 0 ? 0 : value));
    }
    const bounds = Float64Array.from(maps[index], (value, at) => value && boundOf(sums, at));
    const left = pooled(bounds);
    return map.map((value, at) => (isSome(value) && isSmall(value, left[at]) ? 0 : value));
  }
})();
