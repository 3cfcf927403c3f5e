// Numbers about maps and kernels: range, shares, sums; the rules of featviz.stats and Kernel.
"use strict";
(() => {
  const featviz = (globalThis.featviz ??= {});
  /**
   * What one map holds.
   * @param {Float32Array} map
   * @returns {{low, high, active, zeros, nans, infinite}} range of the finite values (0 where
   *   there are none), the shares of values above 0 and of exactly 0, and counts.
   */
  featviz.stats = function (map) {
    let [low, high] = [Infinity, -Infinity];
    let [active, zeros, nans, infinite] = [0, 0, 0, 0];
    for (let at = 0; at < map.length; at += 1) {
      const value = map[at];
      if (value === 0) {
        zeros += 1;
      } else if (value > 0) {
        active += 1;
      } else if (value !== value) {
        nans += 1;
        continue;
      }
      if (value === Infinity || value === -Infinity) {
        infinite += 1;
        continue;
      }
      if (value < low) low = value;
      if (value > high) high = value;
    }
    if (low > high) [low, high] = [0, 0];
    return { low, high, active: active / map.length, zeros: zeros / map.length, nans, infinite };
  };

  /**
   * What a kernel does to images in 0..1.
   * @param {number[][]} rows (h, w).
   * @returns {{sum, low, high, size}} the sum of all numbers, the lowest and highest value that
   *   any image can give, and the sum of their magnitudes.
   */
  featviz.kernelNumbers = function (rows) {
    const values = rows.flat();
    return {
      sum: total(values),
      low: total(values.filter((value) => value < 0)),
      high: total(values.filter((value) => value > 0)),
      size: total(values.map(Math.abs)),
    };
  };

  /** A sum that keeps what each addition loses (Neumaier 1974); below the rounding it is 0. */
  function total(values) {
    let [sum, lost, size] = [0, 0, 0];
    for (const value of values) {
      const next = sum + value;
      lost += Math.abs(sum) >= Math.abs(value) ? sum - next + value : value - next + sum;
      sum = next;
      size += Math.abs(value);
    }
    const result = sum + lost;
    return Math.abs(result) > 2 ** -53 * size ? result : 0;
  }
})();
