// Maps to pixels: colour tables, colour limits, planes with their padding, colour bars.
"use strict";
(() => {
  const featviz = (globalThis.featviz ??= {});
  const BROKEN = 0xff2ca02c | 0; // NaN: a green that stands in none of the palettes
  const tables = {};
  const kept = new WeakMap(); // canvas → its ImageData, drawn into again and again
  const drawn = new WeakMap(); // canvas → what it shows: an image that stays is not drawn again

  function loadPalettes(island) {
    for (const [name, text] of Object.entries(island.palettes)) {
      const bytes = atob(text);
      const table = (tables[name] = new Int32Array(256));
      for (let i = 0; i < 256; i++) {
        const [red, green, blue] = [0, 1, 2].map((k) => bytes.charCodeAt(3 * i + k));
        table[i] = 0xff000000 | (blue << 16) | (green << 8) | red;
      }
    }
  }

  /**
   * Colour limits of several maps, as the figures of Python choose them.
   * @param {{low: number, high: number}[]} stats of the maps that share the scale
   * @param {boolean} signed whether 0 is to stand in the middle whatever the values are
   * @returns {[number, number]} (−m, m), or (0, m) where nothing is negative
   */
  function colourLimits(stats, signed) {
    let most = 0;
    let least = 0;
    for (const { low, high } of stats) {
      most = Math.max(most, Math.abs(low), Math.abs(high));
      least = Math.min(least, low);
    }
    most = most || 1;
    return signed || least < 0 ? [-most, most] : [0, most];
  }

  /**
   * How values become colours.
   * @param {[number, number]} limits values at both ends
   * @param {number} gamma exponent, the sign kept: 0.5 lifts what is small
   * @returns {{limits, gamma, palette: string, table: Int32Array}}
   */
  function colouring(limits, gamma, palette = limits[0] < 0 ? "signed" : "heat") {
    return { limits, gamma, palette, table: tables[palette] };
  }

  function pixelOf(value, { limits: [low, high], gamma, table }) {
    if (value !== value) return BROKEN;
    let share;
    if (gamma === 1) share = (value - low) / (high - low);
    else {
      const most = Math.max(Math.abs(low), Math.abs(high));
      const bent = Math.sign(value) * Math.abs(value / most) ** gamma;
      share = low < 0 ? (bent + 1) / 2 : bent;
    }
    return table[Math.min(255, Math.max(0, Math.floor(share * 256)))];
  }

  function cssOf(value, colours) {
    const pixel = pixelOf(value, colours);
    return `rgb(${pixel & 255}, ${(pixel >> 8) & 255}, ${(pixel >> 16) & 255})`;
  }

  function isLight(value, colours) {
    const pixel = pixelOf(value, colours);
    return (
      0.299 * (pixel & 255) + 0.587 * ((pixel >> 8) & 255) + 0.114 * ((pixel >> 16) & 255) > 140
    );
  }

  // The two loops that run for every edit: no calls, no objects, one write for each cell.
  function fillRoot(target, values, plane, { limits, table }) {
    const { height, width, top, left, wide } = plane;
    const scale = 1 / Math.max(Math.abs(limits[0]), Math.abs(limits[1]));
    const half = limits[0] < 0 ? 128 : 256;
    const middle = limits[0] < 0 ? 128 : 0;
    let at = 0;
    for (let y = 0; y < height; y++) {
      let to = (y + top) * wide + left;
      for (let x = 0; x < width; x++) {
        const value = values[at++];
        const bent = value < 0 ? -Math.sqrt(-value * scale) : Math.sqrt(value * scale);
        const index = (middle + bent * half) | 0;
        target[to++] = value !== value ? BROKEN : table[index > 255 ? 255 : index < 0 ? 0 : index];
      }
    }
  }

  function fillPlain(target, values, plane, { limits: [low, high], table }) {
    const { height, width, top, left, wide } = plane;
    const scale = 256 / (high - low);
    let at = 0;
    for (let y = 0; y < height; y++) {
      let to = (y + top) * wide + left;
      for (let x = 0; x < width; x++) {
        const value = values[at++];
        const index = Math.floor((value - low) * scale);
        target[to++] = value !== value ? BROKEN : table[index > 255 ? 255 : index < 0 ? 0 : index];
      }
    }
  }

  function fillColours(target, maps, plane) {
    const { height, width, top, left, wide } = plane;
    const [red, green, blue] = maps;
    for (let y = 0, at = 0; y < height; y++) {
      let to = (y + top) * wide + left;
      for (let x = 0; x < width; x++, at++) {
        const bytes = (Math.round(blue[at] * 255) << 16) | (Math.round(green[at] * 255) << 8);
        target[to++] = 0xff000000 | bytes | Math.round(red[at] * 255);
      }
    }
  }

  /** What a border repeats, paler than the image itself. */
  function fillBorder(target, plane) {
    const { tall, wide, top, left, height, width, rows, columns } = plane;
    for (let y = 0; y < tall; y++) {
      for (let x = 0; x < wide; x++) {
        const inside = y >= top && y < top + height && x >= left && x < left + width;
        if (inside) continue;
        const from = rows ? target[(rows[y] + top) * wide + columns[x] + left] : 0;
        target[y * wide + x] = from ? (from & 0xffffff) | 0x8c000000 : 0;
      }
    }
  }

  /**
   * A map within the cells that are added around it.
   * @param {number} height @param {number} width of the map
   * @param {[object, object]|null} axes of what slides over it; null: nothing is added
   * @param {string} border what the added cells hold
   */
  function planeOf(height, width, axes, border = "zeros") {
    const [rows, columns] = axes || [
      { before: 0, after: 0 },
      { before: 0, after: 0 },
    ];
    const repeated = border !== "zeros" && axes;
    const [tall, wide] = [
      height + rows.before + rows.after,
      width + columns.before + columns.after,
    ];
    return {
      height,
      width,
      top: rows.before,
      left: columns.before,
      tall,
      wide,
      key: [height, width, rows.before, columns.before, tall, wide, border].join(" "),
      rows: repeated ? featviz.borderIndices(rows, border) : null,
      columns: repeated ? featviz.borderIndices(columns, border) : null,
    };
  }

  /**
   * Draw a map, one pixel of the canvas for each cell; CSS makes it larger.
   * @param {HTMLCanvasElement} canvas
   * @param {Float32Array[]} maps one of height·width cells, or three for colours in 0..1
   * @param {object} plane from planeOf
   * @param {object} colours from colouring; of no use for three maps
   */
  function paint(canvas, maps, plane, colours) {
    const { tall, wide } = plane;
    const key = `${plane.key} ${colours.limits} ${colours.palette} ${colours.gamma}`;
    const last = drawn.get(canvas);
    if (last && last.key === key && maps.every((map, at) => map === last.maps[at])) return;
    drawn.set(canvas, { key, maps });
    if (canvas.width !== wide || canvas.height !== tall) {
      canvas.width = wide;
      canvas.height = tall;
      kept.delete(canvas);
    }
    const context = canvas.getContext("2d");
    let pixels = kept.get(canvas);
    if (!pixels) {
      const data = context.createImageData(wide, tall);
      pixels = { data, words: new Int32Array(data.data.buffer) };
      kept.set(canvas, pixels);
    }
    if (maps.length === 3) fillColours(pixels.words, maps, plane);
    else if (colours.gamma === 0.5) fillRoot(pixels.words, maps[0], plane, colours);
    else fillPlain(pixels.words, maps[0], plane, colours);
    if (tall !== plane.height || wide !== plane.width) fillBorder(pixels.words, plane);
    context.putImageData(pixels.data, 0, 0);
  }

  /** Draw the colours from the lower to the upper limit into a canvas of 256 pixels. */
  function paintBar(canvas, { palette, table }) {
    // Along the bar the display is even: gamma bends where a value stands, not the colours.
    const values = Float32Array.from({ length: 256 }, (_, i) => i + 0.5);
    paint(canvas, [values], planeOf(1, 256, null), { limits: [0, 256], gamma: 1, palette, table });
  }

  Object.assign(featviz, {
    loadPalettes,
    colourLimits,
    colouring,
    cssOf,
    isLight,
    planeOf,
    paint,
    paintBar,
  });
})();
