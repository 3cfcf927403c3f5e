// The settings in the address, behind the #, readable: #k=1,-1;1,-1&stride=2,1&padding=valid
"use strict";
(() => {
  const featviz = (globalThis.featviz ??= {});
  const LONGEST = 20000;
  const PAIRS = ["stride", "dilation", "pool_size", "pool_stride"];
  const PADDINGS = ["padding", "pool_padding"];
  const PLAIN = ["border", "activation", "pool", "color"];
  const KNOWN = [
    "k",
    "kernel",
    ...PAIRS,
    ...PADDINGS,
    ...PLAIN,
    "bias",
    "scale",
    "map",
    "cell",
    "numbers",
  ];

  // Commas and the like stay as they are: the address is to be read.
  const encode = (text) =>
    encodeURIComponent(text).replace(/%(2B|2C|3B|2F|3D)/g, decodeURIComponent);

  const sideText = (side) => (Array.isArray(side) ? side.join("+") : String(side));
  const paddingText = (padding) =>
    Array.isArray(padding) ? padding.map(sideText).join(",") : String(padding);
  const pairText = ([rows, columns]) => (rows === columns ? String(rows) : `${rows},${columns}`);

  /** Every setting as text, by the names it has in the address. */
  function addressWords({ kernel, settings, scale, map, cell, numbers }, kernels) {
    const named = kernels.find((item) => item.name === kernel.name);
    const words = named
      ? { kernel: kernel.name }
      : {
          k: kernel.texts
            .map((row) =>
              row.map((text) => featviz.minus(text.trim()).replaceAll("−", "-")).join(","),
            )
            .join(";"),
        };
    for (const key of PAIRS) words[key] = pairText(settings[key]);
    for (const key of PADDINGS) words[key] = paddingText(settings[key]);
    for (const key of PLAIN) words[key] = settings[key];
    words.bias = String(settings.bias);
    return {
      ...words,
      scale,
      map: String(map),
      cell: `${cell.stage},${cell.row},${cell.column}`,
      numbers: numbers === null ? "auto" : String(numbers),
    };
  }

  /** The address' fragment of a state: what differs from the page's beginning. */
  function fragmentFromState(state, start, kernels) {
    const [words, first] = [addressWords(state, kernels), addressWords(start, kernels)];
    const changed = Object.entries(words).filter(([key, value]) => first[key] !== value);
    return changed.map(([key, value]) => `${key}=${encode(value)}`).join("&");
  }

  /**
   * The state that an address asks for; whoever wrote it may mean harm.
   * @param {string} fragment with or without its #
   * @param {object} start the state of the page's beginning, which is not changed
   * @param {object[]} kernels of the menu
   * @returns {object} a new state
   * @throws {Error} a sentence
   */
  function stateFromFragment(fragment, start, kernels) {
    const text = fragment.replace(/^#/, "");
    if (text.length > LONGEST)
      throw new Error(
        `the address must have at most ${LONGEST} characters behind its #; got ${text.length}`,
      );
    const given = new Map();
    for (const part of text.split("&").filter(Boolean)) {
      const at = part.indexOf("=");
      const key = at < 0 ? part : part.slice(0, at);
      if (!KNOWN.includes(key))
        throw new Error(
          `the address must name settings such as stride or padding; got ${featviz.shown(key)}`,
        );
      given.set(key, decoded(at < 0 ? "" : part.slice(at + 1), key));
    }
    const state = structuredClone(start);
    if (given.has("kernel")) state.kernel = menuKernel(given.get("kernel"), kernels);
    if (given.has("k")) state.kernel = ownKernel(given.get("k"));
    state.settings = settingsOf(given, start.settings);
    viewOf(given, state);
    return state;
  }

  function decoded(text, key) {
    try {
      return decodeURIComponent(text);
    } catch {
      throw new Error(
        `the address must be written in UTF-8; got ${featviz.shown(text)} for ${key}`,
      );
    }
  }

  function menuKernel(name, kernels) {
    const found = kernels.find((kernel) => kernel.name === name);
    if (!found)
      throw new Error(`kernel of the address must be one of the menu; got ${featviz.shown(name)}`);
    return { name, texts: found.texts.map((row) => [...row]) };
  }

  function ownKernel(text) {
    const texts = text.split(";").map((row) => row.split(",").map((cell) => cell.trim()));
    const size = [texts.length, texts[0].length];
    if (texts.some((row) => row.length !== size[1]))
      throw new Error("kernel of the address must have rows of equal length");
    if (Math.max(...size) > featviz.LARGEST_KERNEL) {
      throw new Error(
        `kernel of the address must have at most ${featviz.LARGEST_KERNEL} rows and columns; got ${featviz.sizeText(size)}`,
      );
    }
    texts.flat().forEach((cell) => featviz.parseNumber(cell));
    return { name: featviz.OWN, texts };
  }

  const wholes = (text) =>
    text.split(",").map((item) => (/^\d{1,6}$/.test(item.trim()) ? Number(item) : item));

  function settingsOf(given, start) {
    const settings = { ...start };
    for (const key of PAIRS) {
      if (!given.has(key)) continue;
      const numbers = wholes(given.get(key));
      settings[key] = numbers.length === 1 ? numbers[0] : numbers;
    }
    for (const key of PADDINGS) if (given.has(key)) settings[key] = paddingOf(given.get(key));
    for (const key of PLAIN) if (given.has(key)) settings[key] = given.get(key);
    if (given.has("bias")) settings.bias = featviz.parseNumber(given.get("bias"), "bias");
    return featviz.readSettings(settings);
  }

  function paddingOf(text) {
    const sides = text.split(",").map((side) => {
      const pads = side.split("+");
      return pads.length === 1 ? wholes(side)[0] : pads.map((pad) => wholes(pad)[0]);
    });
    return sides.length === 1 ? sides[0] : sides;
  }

  function viewOf(given, state) {
    if (given.has("scale")) state.scale = featviz.oneOf("scale", given.get("scale"));
    if (given.has("map")) state.map = wholeOf("map", given.get("map"));
    if (given.has("numbers"))
      state.numbers = new Map([["true", true], ["false", false]]).get(given.get("numbers")) ?? null;
    if (!given.has("cell")) return;
    const [stage, row, column] = given.get("cell").split(",");
    if (!featviz.STAGES.slice(1).includes(stage))
      throw new Error(
        `cell must begin with filter, detect or condense; got ${featviz.shown(stage)}`,
      );
    state.cell = { stage, row: wholeOf("cell", row), column: wholeOf("cell", column) };
  }

  function wholeOf(what, text) {
    if (!/^\d{1,9}$/.test(text ?? ""))
      throw new Error(`${what} must hold whole numbers; got ${featviz.shown(text ?? "")}`);
    return Number(text);
  }

  /** Write the fragment without a new entry in the history; a frame may forbid it. */
  function writeFragment(fragment) {
    try {
      globalThis.history.replaceState(null, "", `#${fragment}`);
    } catch {
      // A page inside a notebook has no address of its own.
    }
  }

  Object.assign(featviz, { fragmentFromState, stateFromFragment, writeFragment });
})();
