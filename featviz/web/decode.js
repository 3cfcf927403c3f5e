// The picture of the page, unpacked to the very float32 values; featviz/render/web/picture.py
// packs it and tells how. No canvas is read back: a browser may falsify what it gives.
"use strict";
(() => {
  const featviz = (globalThis.featviz ??= {});
  const LETTERS =
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%:()*+-;,=.?@^_`{|}~";
  const MARGIN = 2;
  const WEIGHT_BITS = 11;
  const CONSTANT = 64;
  // (row, column) of the neighbours: in the plane itself, and in those before it.
  const OWN = [
    [0, -1], [-1, 0], [-1, -1], [-1, 1], [0, -2], [-2, 0], [-2, 1], [-1, 2], [-1, -2], [-2, -1],
  ];
  const BEFORE = [
    [0, 0], [0, -1], [-1, 0], [-1, -1], [-1, 1], [0, 1], [1, 0], [1, -1], [1, 1],
  ];
  const FULL = { __proto__: null, uint8: 255, uint16: 65535 };

  /**
   * The image of the page's data.
   * @param {Object} image as featviz.render.web.picture.encoded_image writes it.
   * @returns {Promise<{name, height, width, channels, planes: Float32Array[]}>} the values of
   *   featviz.read_image, one plane of height × width per channel.
   */
  featviz.decodeImage = async function (image) {
    const { name, height, width, channels, kind } = image;
    const packed = bytesOfText(image.data).subarray(0, image.bytes);
    const bytes = await inflated(packed);
    const levels = image.planes
      ? predictedPlanes(bytes, image)
      : plainPlanes(bytes, kind, height * width, channels);
    const full = FULL[kind];
    const planes = levels.map((values) => {
      const plane = Float32Array.from(values);
      if (full) for (let at = 0; at < plane.length; at += 1) plane[at] /= full;
      return plane;
    });
    return { name, height, width, channels, planes };
  };

  /** Four bytes of each five letters, first byte first. */
  function bytesOfText(text) {
    const digits = new Uint8Array(128);
    for (let at = 0; at < LETTERS.length; at += 1) digits[LETTERS.charCodeAt(at)] = at;
    const view = new DataView(new ArrayBuffer((text.length / 5) * 4));
    for (let at = 0, to = 0; at < text.length; at += 5, to += 4) {
      let word = 0;
      for (let k = at; k < at + 5; k += 1) word = word * 85 + digits[text.charCodeAt(k)];
      view.setUint32(to, word);
    }
    return new Uint8Array(view.buffer);
  }

  async function inflated(bytes) {
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  }

  /** Planes of bytes, each byte less the one before it, to planes of values. */
  function plainPlanes(bytes, kind, cells, channels) {
    const size = { uint8: 1, uint16: 2, float32: 4 }[kind];
    const count = cells * channels;
    const values = new Uint8Array(count * size);
    for (let part = 0; part < size; part += 1) {
      let value = 0;
      for (let at = 0; at < count; at += 1) {
        value = (value + bytes[part * count + at]) & 255;
        values[at * size + part] = value;
      }
    }
    const view = new DataView(values.buffer);
    const read = { uint8: "getUint8", uint16: "getUint16", float32: "getFloat32" }[kind];
    const number = (at) => view[read](at * size, true);
    return Array.from({ length: channels }, (_, channel) =>
      Float32Array.from({ length: cells }, (_, at) => number(channel * cells + at)),
    );
  }

  function predictedPlanes(bytes, { height, width, channels, planes }) {
    const first = Math.min(1, channels - 1);
    const order = [...Array(channels).keys()].filter((channel) => channel !== first);
    const result = new Array(channels);
    let before = [];
    let start = 0;
    [first, ...order].forEach((channel, place) => {
      const facts = planes[place];
      const streams = facts.counts.map((count) => bytes.subarray(start, (start += count)));
      const plane = decodedPlane(facts, streams, before, height, width);
      before = [plane, ...before].slice(0, 2);
      result[channel] = withoutMargin(plane.cells, height, width);
    });
    return result;
  }

  /** One channel, {cells, left}: its values and what its prediction left, both with a margin. */
  function decodedPlane({ limits, bounds, weights, counts }, streams, before, height, width) {
    const pitch = width + 2 * MARGIN;
    const cells = new Int32Array(pitch * (height + 2 * MARGIN));
    const left = new Int32Array(cells.length);
    const next = new Int32Array(counts.length);
    const foretell = predictor(cells, before, pitch, weights);
    const unrestAt = unrestOf(cells, before, pitch);
    for (let row = 0; row < height; row += 1) {
      const start = (row + MARGIN) * pitch + MARGIN;
      if (row > 0) cells.fill(cells[start - pitch], start - MARGIN, start);
      for (let at = start; at < start + width; at += 1) {
        const unrest = unrestAt(at);
        const foretold = foretell(at, gradeOf(unrest, limits));
        const around = unrest + 3 * (Math.abs(left[at - 1]) + Math.abs(left[at - pitch])) +
          Math.abs(left[at - pitch - 1]) + Math.abs(left[at - pitch + 1]);
        const stream = gradeOf(around, bounds);
        const value = (foretold + streams[stream][next[stream]++]) & 255;
        cells[at] = value;
        left[at] = value - foretold;
      }
      cells.fill(cells[start + width - 1], start + width, start + width + MARGIN);
    }
    return { cells, left };
  }

  /** How many of the rising limits a number reaches. */
  function gradeOf(number, limits) {
    let grade = 0;
    while (grade < limits.length && limits[grade] <= number) grade += 1;
    return grade;
  }

  function predictor(cells, before, pitch, weights) {
    const offset = ([row, column]) => row * pitch + column;
    const own = Int32Array.from(OWN, offset);
    const near = Int32Array.from(BEFORE, offset);
    const graded = weights.map((row) => Int32Array.from(row));
    return function (at, grade) {
      const weight = graded[grade];
      let total = 2 ** (WEIGHT_BITS - 1);
      let place = 0;
      for (let k = 0; k < own.length; k += 1) total += weight[place++] * cells[at + own[k]];
      for (const plane of before) {
        for (let k = 0; k < near.length; k += 1) total += weight[place++] * plane.cells[at + near[k]];
      }
      total += weight[place] * CONSTANT;
      return Math.min(Math.max(total >> WEIGHT_BITS, 0), 255);
    };
  }

  /** How uneven the surroundings are: differences there, and what was left there before. */
  function unrestOf(cells, before, pitch) {
    const { abs } = Math;
    return function (at) {
      const [w, n, nw] = [cells[at - 1], cells[at - pitch], cells[at - pitch - 1]];
      let unrest = abs(w - nw) + abs(n - nw) + abs(n - cells[at - pitch + 1]) +
        abs(w - cells[at - 2]) + abs(n - cells[at - 2 * pitch]);
      for (const { left } of before) {
        unrest += 4 * abs(left[at]) + 2 * (abs(left[at + 1]) + abs(left[at + pitch]));
      }
      return unrest;
    };
  }

  function withoutMargin(cells, height, width) {
    const pitch = width + 2 * MARGIN;
    const plane = new Uint8Array(height * width);
    for (let row = 0; row < height; row += 1) {
      const start = (row + MARGIN) * pitch + MARGIN;
      plane.set(cells.subarray(start, start + width), row * width);
    }
    return plane;
  }
})();
