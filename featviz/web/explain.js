// How one number comes about: its window, the taps, their products and the sum.
"use strict";
(() => {
  const featviz = (globalThis.featviz ??= {});
  /**
   * One cell of a stage, as featviz.trace tells it.
   * @param {Object} run from compute.
   * @param {string} stage "filter", "detect" or "condense".
   * @param {number} row of that stage's output, from 0.
   * @param {number} column of that stage's output, from 0.
   * @param {number} map which of the run's maps, from 0.
   * @returns {Object} window {top, left, height, width} on the padded plane; taps in the order
   *   row, column, channel, each {row, column, channel, kernelRow, kernelColumn, sourceRow,
   *   sourceColumn (-1 where nothing is read), kind ("image" or "padding"), value, weight,
   *   product}; sum of the products (of an average, of the counted cells; of other pools, the
   *   value), bias, total = sum + bias before the activation, value of the stage (of a filter
   *   after the activation), winner (place of the tap that a max-pool kept, the first of equal
   *   ones, or -1), counted (cells that an average divides by, or 0).
   */
  featviz.explain = function (run, stage, row, column, map = 0) {
    const makers = new Map([["filter", ofFilter], ["detect", ofDetect], ["condense", ofCondense]]);
    if (!makers.has(stage)) {
      const known = [...makers.keys()].map((name) => `'${name}'`).join(", ");
      throw new Error(`stage must be one of ${known}; got ${featviz.shown(stage)}`);
    }
    const { height, width, maps } = stage === "condense" ? run.condensed : run.detected;
    checkPlace("row", row, height, "rows of the output");
    checkPlace("column", column, width, "columns of the output");
    checkPlace("map", map, maps.length, "maps");
    return makers.get(stage)(run, row, column, map);
  };

  function checkPlace(argument, value, most, what) {
    if (!Number.isInteger(value) || value < 0) {
      const rule = `${argument} must be a whole number of at least 0`;
      throw new Error(`${rule}; got ${featviz.shown(value)}`);
    }
    if (value >= most) throw new Error(`${argument} must be less than the ${most} ${what}; got ${value}`);
  }

  function ofFilter(run, row, column, map) {
    const { color, border, bias, activation } = run.settings;
    const planes = color === "each" ? [run.image.maps[map]] : run.image.maps;
    const window = windowAt(run.axes, row, column);
    const taps = tapsOf(planes, run.image.width, run.axes, window, border, run.rows, 0);
    const sum = taps.reduce((total, tap) => total + tap.product, 0);
    const total = sum + bias;
    return { window, taps, sum, bias, total, value: activated(activation, total), winner: -1, counted: 0 };
  }

  function ofDetect(run, row, column, map) {
    const { height, width, maps } = run.filtered;
    const axes = stillAxes(height, width, 1, 1);
    const window = windowAt(axes, row, column);
    const taps = tapsOf([maps[map]], width, axes, window, "zeros", [[1]], 0);
    const total = taps[0].value;
    const value = activated(run.settings.activation, total);
    return { window, taps, sum: total, bias: 0, total, value, winner: -1, counted: 0 };
  }

  function ofCondense(run, row, column, map) {
    const { height, width, maps } = run.detected;
    const { pool } = run.settings;
    const whole = pool.startsWith("global");
    const axes = run.poolAxes ?? stillAxes(height, width, whole ? height : 1, whole ? width : 1);
    const window = windowAt(axes, row, column);
    const ones = Array.from({ length: axes[0].window }, () => new Array(axes[1].window).fill(1));
    const outside = pool.endsWith("max") ? -Infinity : 0;
    const taps = tapsOf([maps[map]], width, axes, window, "zeros", ones, outside);
    const inside = taps.filter((tap) => tap.kind === "image");
    let [winner, counted, value] = [-1, 0, taps[0].value];
    let sum = value;
    if (pool.endsWith("max")) {
      winner = taps.indexOf(inside.reduce(better));
      sum = value = taps[winner].value;
    } else if (pool.endsWith("average")) {
      counted = inside.length;
      sum = inside.reduce((total, tap) => total + tap.value, 0);
      value = sum / counted;
    }
    return { window, taps, sum, bias: 0, total: sum, value, winner, counted };
  }

  /** Of two taps the one that a max-pool keeps: the larger, the first on a tie, NaN before all. */
  function better(best, tap) {
    if (Number.isNaN(best.value)) return best;
    return tap.value > best.value || Number.isNaN(tap.value) ? tap : best;
  }

  function activated(activation, total) {
    const { name, numbers } = featviz.parseActivation(activation);
    return featviz.activations.get(name).apply(Math.fround(total), numbers);
  }

  /** The axes of a window that does not move, or that sees one cell at a time. */
  function stillAxes(height, width, rows, columns) {
    return [featviz.slide(height, rows, 1, 1, "valid"), featviz.slide(width, columns, 1, 1, "valid")];
  }

  function windowAt([rows, columns], row, column) {
    const [top, left] = [row * rows.stride, column * columns.stride];
    return { top, left, height: rows.extent, width: columns.extent };
  }

  function tapsOf(planes, width, axes, window, border, weights, outside) {
    const [rows, columns] = axes;
    const taps = [];
    weights.forEach((line, i) => line.forEach((weight, j) => {
      const [row, column] = [window.top + i * rows.dilation, window.left + j * columns.dilation];
      const [insideRow, sourceRow] = cellAt(rows, row, border);
      const [insideColumn, sourceColumn] = cellAt(columns, column, border);
      const read = sourceRow >= 0 && sourceColumn >= 0;
      const kind = insideRow && insideColumn ? "image" : "padding";
      planes.forEach((plane, channel) => {
        const value = read ? plane[sourceRow * width + sourceColumn] : outside;
        taps.push({
          row, column, channel, kernelRow: i, kernelColumn: j,
          sourceRow: read ? sourceRow : -1, sourceColumn: read ? sourceColumn : -1,
          kind, value, weight, product: value * weight,
        });
      });
    }));
    return taps;
  }

  /** Whether a cell of the padded axis lies on the image, and which cell it reads. */
  function cellAt(axis, place, border) {
    const cell = place - axis.before;
    return [cell >= 0 && cell < axis.size, featviz.borderCell(cell, axis.size, border)];
  }
})();
