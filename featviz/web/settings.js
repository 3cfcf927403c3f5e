// Settings and kernels as anyone may hand them over, checked: also from a page's address.
"use strict";
(() => {
  const featviz = (globalThis.featviz ??= {});
  // Strides, dilations, pads and pools beyond this are slips of the pen.
  const MOST_STEP = 10000;
  const MOST_NUMBERS = 4096;
  const WORDS = {
    __proto__: null,
    padding: ["same", "valid", "full"],
    pool_padding: ["same", "valid"],
    border: ["zeros", "reflect", "symmetric", "edge", "wrap"],
    pool: ["max", "average", "global_max", "global_average", "none"],
    color: ["grey", "each", "sum"],
    scale: ["shared", "signed", "each"],
  };

  /** The words that an option takes. */
  featviz.wordsOf = (option) => [...WORDS[option]];

  /**
   * A word that an option takes, as it is.
   * @throws {Error} a sentence.
   */
  featviz.oneOf = function (option, value) {
    const known = WORDS[option];
    if (typeof value === "string" && known.includes(value)) return value;
    const words = known.map((word) => `'${word}'`).join(", ");
    throw new Error(`${option} must be one of ${words}; got ${featviz.shown(value)}`);
  };

  /**
   * Checked and completed settings; what is missing is as in featviz.extract.
   * @param {Object} given only its own properties of known names are looked at.
   * @returns {Object} stride, padding, dilation, border, bias, activation, pool, pool_size,
   *   pool_stride, pool_padding, color; pairs are [rows, columns].
   * @throws {Error} a sentence.
   */
  featviz.readSettings = function (given) {
    if (given === null || typeof given !== "object" || Array.isArray(given)) {
      throw new Error(`settings must be names and values; got ${featviz.shown(given)}`);
    }
    const own = (name, otherwise) => (Object.hasOwn(given, name) ? given[name] : otherwise);
    const window = perAxis("pool_size", own("pool_size", 2));
    const poolStride = own("pool_stride", null);
    const bias = own("bias", 0);
    return {
      stride: perAxis("stride", own("stride", 1)),
      padding: paddingOf("padding", own("padding", "same")),
      dilation: perAxis("dilation", own("dilation", 1)),
      border: featviz.oneOf("border", own("border", "zeros")),
      bias: featviz.checkedNumber(bias === null ? 0 : bias, "bias"),
      activation: featviz.describeActivation(
        featviz.parseActivation(own("activation", "relu") ?? "linear"),
      ),
      pool: featviz.oneOf("pool", own("pool", "max")),
      pool_size: window,
      pool_stride: poolStride === null ? [...window] : perAxis("pool_stride", poolStride),
      pool_padding: poolPadding(own("pool_padding", "same"), window),
      color: featviz.oneOf("color", own("color", "grey")),
    };
  };

  /**
   * The numbers of a kernel, checked.
   * @param {number[][]} rows (h, w).
   * @returns {number[][]} a copy.
   */
  featviz.readRows = function (rows) {
    const isRow = (row) => Array.isArray(row) && row.length > 0;
    if (!Array.isArray(rows) || rows.length === 0 || !rows.slice(0, MOST_NUMBERS + 1).every(isRow)) {
      const rule = "kernel must be rows of numbers, like [[1, 2], [3, 4]]";
      throw new Error(`${rule}; got ${featviz.shown(rows)}`);
    }
    const width = rows[0].length;
    const size = featviz.sizeText([rows.length, width]);
    if (rows.length * width > MOST_NUMBERS) {
      throw new Error(`kernel must hold at most ${MOST_NUMBERS} numbers; got ${size} of them`);
    }
    const odd = rows.findIndex((row) => row.length !== width);
    if (odd >= 0) {
      throw new Error(
        `kernel must have rows of equal length; got ${width} numbers in row 1 ` +
          `and ${rows[odd].length} in row ${odd + 1}`,
      );
    }
    return rows.map((row) => row.map((value) => featviz.checkedNumber(value, "kernel")));
  };

  function wholeNumber(argument, value, minimum) {
    const whole = typeof value === "number" && Number.isInteger(value);
    if (whole && value >= minimum && value <= MOST_STEP) return value + 0;
    throw new Error(
      `${argument} must be a whole number from ${minimum} to ${MOST_STEP}; ` +
        `got ${featviz.shown(value)}`,
    );
  }

  function perAxis(argument, value) {
    if (!Array.isArray(value)) {
      const number = wholeNumber(argument, value, 1);
      return [number, number];
    }
    if (value.length === 2) return value.map((item) => wholeNumber(argument, item, 1));
    throw new Error(
      `${argument} must be a whole number or a pair (rows, columns); got ${featviz.shown(value)}`,
    );
  }

  function paddingOf(argument, value) {
    if (Array.isArray(value) && value.length === 2) {
      return value.map((item) => sideOf(argument, item));
    }
    return sideOf(argument, value, true);
  }

  function sideOf(argument, value, whole = false) {
    const words = WORDS[argument];
    if (typeof value === "string" && words.includes(value)) return value;
    if (Array.isArray(value) && value.length === 2 && !whole) {
      return value.map((side) => wholeNumber(argument, side, 0));
    }
    if (typeof value === "number") return wholeNumber(argument, value, 0);
    const known = words.map((word) => `'${word}'`).join(", ");
    const rule = `${argument} must be one of ${known} or explicit pads; got ${featviz.shown(value)}`;
    const cure = Array.isArray(value) ? "; pads are written ((top, bottom), (left, right))" : "";
    throw new Error(rule + cure);
  }

  function poolPadding(value, window) {
    const padding = paddingOf("pool_padding", value);
    const sides = Array.isArray(padding) ? padding : [padding, padding];
    sides.forEach((side, axis) => {
      const most = Math.max(...[side].flat().map((pad) => (typeof pad === "number" ? pad : 0)));
      if (most >= window[axis] && most > 0) {
        throw new Error(
          `pool_padding must be smaller than the pool window (${featviz.sizeText(window)}); ` +
            `got ${featviz.shown(value)}`,
        );
      }
    });
    return padding;
  }
})();
