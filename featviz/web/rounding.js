// What rounding leaves of sums, cell by cell: what is 0, and which digits are sure; the rules of
// featviz.rounding.
"use strict";
(() => {
  const featviz = (globalThis.featviz ??= {});
  // Up to this many values Python computes in float64 (featviz.rounding.EXACT_UP_TO).
  const EXACT_UP_TO = 64 * 64;
  const HALF_UNIT = 2 ** -24;
  const MOST_DIGITS = 6;
  const stored = new Float32Array(1);
  const bits = new Uint32Array(stored.buffer);
  const wholePlanes = new WeakMap();

  /** How far a pixel may lie from what it stands for: 0 where 16 bits or a whole number say it. */
  function storedError(value) {
    if (Number.isInteger(value) || !Number.isFinite(value)) return 0;
    stored[0] = value;
    return bits[0] & 0xff ? Math.abs(value) * HALF_UNIT : 0;
  }

  function isWholePlane(plane) {
    if (!wholePlanes.has(plane)) wholePlanes.set(plane, plane.every(Number.isInteger));
    return wholePlanes.get(plane);
  }

  /**
   * How far a sum of products, made in float64, may lie from what its numbers stand for.
   * @param {{value, weight}[]} taps @param {number} bias
   * @returns {number}
   */
  featviz.sumError = function (taps, bias = 0) {
    let error = 2 ** -50 * Math.abs(bias);
    let whole = Number.isInteger(bias);
    for (const { value, weight } of taps) {
      if (weight === 0) continue;
      error += Math.abs(weight) * (2 ** -50 * Math.abs(value) + storedError(value));
      whole = whole && Number.isInteger(value) && Number.isInteger(weight);
    }
    return whole ? Math.min(error, 0.5) : error;
  };

  /** How many significant digits of a value hold that may be wrong by `error`, at least 1. */
  featviz.sureDigits = function (value, error, most = MOST_DIGITS) {
    if (!error || !value || !Number.isFinite(value)) return most;
    if (!Number.isFinite(error)) return 1;
    const first = Math.floor(Math.log10(Math.abs(value)));
    return Math.max(1, Math.min(most, 1 + first - Math.ceil(Math.log10(2 * error))));
  };

  /** How far each cell of a filtered map may lie from what its pixels stand for. */
  featviz.errorsOf = function (run, index) {
    const sums = sumsOf(run, index);
    return (at) => boundOf(sums, at);
  };

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
      sums.most = mostOf(sums);
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
    const sources = axes.map((axis) => featviz.borderIndices(axis, border));
    const numbers = [bias, ...weights.flat()];
    const whole = () => numbers.every(Number.isInteger) && planes.every(isWholePlane);
    return { planes, width: image.width, axes, sources, weights, bias, share, whole };
  }

  /** What no bound of these sums is above. */
  function mostOf({ planes, weights, bias, share }) {
    const total = weights.flat().reduce((sum, weight) => sum + Math.abs(weight), 0);
    const largest = planes.reduce((most, plane) => Math.max(most, largestOf(plane)), 0);
    const sizes = largest * total * planes.length;
    return 1.0001 * ((share + HALF_UNIT) * sizes + share * Math.abs(bias));
  }

  function largestOf(plane) {
    let largest = 0;
    for (let at = 0; at < plane.length; at += 1) {
      const size = plane[at] < 0 ? -plane[at] : plane[at];
      if (size > largest && size !== Infinity) largest = size;
    }
    return largest;
  }

  /** The most that rounding leaves of the cell `at`: of its sum, and of each pixel in it. */
  function boundOf({ planes, width, axes, sources, weights, bias, share, whole }, at) {
    const [rows, columns] = axes;
    const top = Math.floor(at / columns.outputs) * rows.stride;
    const left = (at % columns.outputs) * columns.stride;
    let error = share * Math.abs(bias);
    for (let i = 0; i < weights.length; i += 1) {
      const row = sources[0][top + i * rows.dilation];
      for (let j = 0; row >= 0 && j < weights[i].length; j += 1) {
        const column = sources[1][left + j * columns.dilation];
        const weight = Math.abs(weights[i][j]);
        if (column < 0 || weight === 0) continue;
        for (const plane of planes) {
          const value = plane[row * width + column];
          error += weight * (share * Math.abs(value) + storedError(value));
        }
      }
    }
    return error > 0.5 && whole() ? 0.5 : error;
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
