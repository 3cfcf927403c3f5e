// The stages: image, filter, detect, condense. Sums are made in float64, tap by tap in the order
// row, column, channel, and stored as float32, so that every stored number is the rounded result.
"use strict";
(() => {
  const featviz = (globalThis.featviz ??= {});
  // Rec. ITU-R BT.601-7, section 2.5.1, as in featviz.images.
  const LUMA = [0.299, 0.587, 0.114];
  const COLOR_NAMES = ["red", "green", "blue"];
  // Image → its planes per color, and the padded planes made last: one edit of the kernel
  // changes neither.
  const kept = new WeakMap();
  let sums = new Float64Array(0);

  /**
   * What the kernels see.
   * @param {{height, width, channels, planes}} image from decodeImage.
   * @param {string} color "grey", "each" or "sum".
   * @returns {{planes: Float32Array[], names: string[]}} one plane, or all channels.
   */
  featviz.inputPlanes = function (image, color) {
    const memory = memoryOf(image);
    if (!memory.inputs.has(color)) memory.inputs.set(color, inputPlanes(image, color));
    return memory.inputs.get(color);
  };

  function memoryOf(image) {
    if (!kept.has(image)) kept.set(image, { inputs: new Map(), padded: null });
    return kept.get(image);
  }

  function inputPlanes(image, color) {
    if (color === "grey") return { planes: [greyPlane(image)], names: ["grey"] };
    const count = image.planes.length;
    const numbered = image.planes.map((_, index) => `channel ${index + 1}`);
    return { planes: image.planes, names: count === 3 ? COLOR_NAMES : numbered };
  }

  function greyPlane(image) {
    const count = image.planes.length;
    if (count > 4) {
      throw new Error(
        `image must have 1, 2, 3 or 4 channels for color='grey'; got ${count}; ` +
          "choose another color",
      );
    }
    const opaque = count === 2 || count === 4 ? overWhite(image.planes) : image.planes;
    if (opaque.length === 1) return opaque[0];
    const [red, green, blue] = opaque;
    const grey = new Float32Array(red.length);
    for (let at = 0; at < grey.length; at += 1) {
      grey[at] = red[at] * LUMA[0] + green[at] * LUMA[1] + blue[at] * LUMA[2];
    }
    return grey;
  }

  /** Colours c with alpha a in the last plane as c·a + 1·(1 − a), each step in float32. */
  function overWhite(planes) {
    const alpha = planes.at(-1);
    const { fround } = Math;
    return planes.slice(0, -1).map((plane) =>
      plane.map((value, at) => fround(value * alpha[at]) + fround(1 - alpha[at])),
    );
  }

  /**
   * Every stage of one run.
   * @param {Object} image from decodeImage.
   * @param {number[][]} rows (h, w) of the kernel, laid on the image as written.
   * @param {Object} settings as readSettings takes them.
   * @param {string} name of the kernel.
   * @returns {Object} the stages image, filtered, detected, condensed, each {height, width,
   *   maps: Float32Array[], labels}; axes and poolAxes (null for a pool that does not move),
   *   [rows, columns] each; uncovered and poolUncovered {rows, columns}; settings, rows, name.
   * @throws {Error} a sentence: wrong settings, or a window that does not fit.
   */
  featviz.compute = function (image, rows, settings, name = "kernel") {
    const weights = featviz.readRows(rows);
    const checked = featviz.readSettings(settings);
    const input = featviz.inputPlanes(image, checked.color);
    const axes = featviz.axesOf(
      [image.height, image.width], [weights.length, weights[0].length],
      checked.stride, checked.dilation, checked.padding,
    );
    featviz.checkFits(`kernel ${featviz.pythonText(name)}`, "image", axes, checked.padding);
    const size = axes.map((axis) => axis.outputs);
    const poolAxes = poolAxesOf(size, checked);
    featviz.checkProducts("kernel", axes, input.planes.length);
    if (poolAxes) featviz.checkProducts("pool", poolAxes, checked.color === "each" ? input.planes.length : 1);
    const filtered = filteredMaps(image, input, weights, axes, checked);
    const activation = featviz.parseActivation(checked.activation);
    const detected = filtered.map((map) => featviz.activate(map, activation));
    const condensed = detected.map((map) => featviz.pooled(map, size, checked.pool, poolAxes));
    const labels = checked.color === "each" && input.planes.length > 1
      ? input.names.map((channel) => `${name} · ${channel}`) : [name];
    const stage = ([height, width], maps, names) => ({ height, width, maps, labels: names });
    return {
      image: stage([image.height, image.width], input.planes, input.names),
      filtered: stage(size, filtered, labels),
      detected: stage(size, detected, labels),
      condensed: stage(featviz.pooledSize(size, checked.pool, poolAxes), condensed, labels),
      axes,
      poolAxes,
      uncovered: uncoveredOf(axes, checked.border),
      poolUncovered: uncoveredOf(poolAxes, "zeros"),
      settings: checked,
      rows: weights,
      name,
    };
  };

  function poolAxesOf(size, { pool, pool_size, pool_stride, pool_padding }) {
    if (pool !== "max" && pool !== "average") return null;
    const axes = featviz.axesOf(size, pool_size, pool_stride, [1, 1], pool_padding);
    featviz.checkFits("pool window", "map", axes, pool_padding);
    return axes;
  }

  function uncoveredOf(axes, border) {
    if (!axes) return { rows: [], columns: [] };
    const [rows, columns] = axes.map((axis) => featviz.uncoveredCells(axis, border));
    return { rows, columns };
  }

  function filteredMaps(image, input, weights, axes, { border, bias, color }) {
    const padded = paddedPlanes(image, input.planes, axes, border, color);
    const groups = color === "each" ? padded.map((plane) => [plane]) : [padded];
    return groups.map((planes) => convolved(planes, weights, axes, bias));
  }

  /** The planes with their padding, kept until other pads are asked for. */
  function paddedPlanes(image, planes, axes, border, color) {
    const memory = memoryOf(image);
    const pads = axes.map((axis) => [axis.before, axis.after]);
    const wanted = JSON.stringify([pads, border, color]);
    if (memory.padded?.made !== wanted) {
      const sources = axes.map((axis) => featviz.borderIndices(axis, border));
      const made = planes.map((plane) => gathered(plane, image.width, sources));
      memory.padded = { made: wanted, planes: made };
    }
    return memory.padded.planes;
  }

  function gathered(plane, width, [rows, columns]) {
    const cells = new Float32Array(rows.length * columns.length);
    for (let row = 0, to = 0; row < rows.length; row += 1) {
      const start = rows[row] * width;
      for (let column = 0; column < columns.length; column += 1, to += 1) {
        if (start >= 0 && columns[column] >= 0) cells[to] = plane[start + columns[column]];
      }
    }
    return cells;
  }

  /** One map: the kernel on all the planes, their products summed, the bias added. */
  function convolved(planes, weights, axes, bias) {
    const [rows, columns] = axes;
    const pitch = columns.before + columns.size + columns.after;
    const taps = tapsOf(planes, weights, axes, pitch);
    const map = new Float32Array(rows.outputs * columns.outputs);
    const count = columns.outputs;
    if (sums.length < count) sums = new Float64Array(count);
    for (let row = 0; row < rows.outputs; row += 1) {
      sums.fill(0, 0, count);
      addRow(sums, count, taps, row * rows.stride * pitch, columns.stride);
      const start = row * count;
      for (let column = 0; column < count; column += 1) map[start + column] = sums[column] + bias;
    }
    return map;
  }

  /** The products in their order; a weight of 0 adds nothing. */
  function tapsOf(planes, weights, [rows, columns], pitch) {
    const taps = [];
    weights.forEach((line, i) => line.forEach((weight, j) => {
      const offset = i * rows.dilation * pitch + j * columns.dilation;
      if (weight !== 0) for (const plane of planes) taps.push({ plane, offset, weight });
    }));
    return taps;
  }

  /** Add the products of one row of the output, three taps at a time. */
  function addRow(into, count, taps, start, stride) {
    let at = 0;
    for (; at + 2 < taps.length; at += 3) {
      addThree(into, count, stride, start, taps[at], taps[at + 1], taps[at + 2]);
    }
    for (; at < taps.length; at += 1) {
      const { plane, offset, weight } = taps[at];
      for (let to = 0, from = start + offset; to < count; to += 1, from += stride) {
        into[to] += weight * plane[from];
      }
    }
  }

  function addThree(into, count, stride, start, first, second, third) {
    const [a, b, c] = [first.plane, second.plane, third.plane];
    const [u, v, w] = [first.weight, second.weight, third.weight];
    let [i, j, k] = [start + first.offset, start + second.offset, start + third.offset];
    for (let to = 0; to < count; to += 1) {
      into[to] = into[to] + u * a[i] + v * b[j] + w * c[k];
      i += stride;
      j += stride;
      k += stride;
    }
  }
})();
