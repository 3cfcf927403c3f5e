// The words beside a picture, the same as in the figures of Python, and small helpers of the DOM.
"use strict";
(() => {
  const featviz = (globalThis.featviz ??= {});
  const LARGEST_DENOMINATOR = 32; // 14/9 says more than 1.56, and 0.784 more than 40/51
  const MOST_NAMES = 6;
  const MINUS = "−";

  const one = (selector) => document.querySelector(selector);

  /** Make an element: properties, `data-` and `aria-` attributes, children; text stays text. */
  function el(tag, properties = {}, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(properties)) {
      if (name in node) node[name] = value;
      else node.setAttribute(name, value);
    }
    node.append(...children);
    return node;
  }

  /** Write text only where it changes: every write costs a layout. */
  function write(node, text) {
    if (node.textContent !== text) node.textContent = text;
  }

  const minus = (text) => text.replaceAll("-", MINUS);

  /** A value as a caption prints it: whole, or with three digits. */
  function valueText(value, digits = 3) {
    const whole = Number.isInteger(value) && Math.abs(value) < 1e6;
    return minus(whole ? String(value === 0 ? 0 : value) : featviz.formatNumber(value, digits));
  }

  /** A value as a cell prints it: whole, a fraction that people know, or three digits. */
  const cellText = (value, digits = 3) =>
    minus(featviz.exactText(value, digits, LARGEST_DENOMINATOR));

  /** Values side by side: where one is a rounded decimal, none of the others is a fraction. */
  function cellTexts(values, digits = 3) {
    const texts = values.map((value) => cellText(value, digits));
    const simple = texts.every((text, at) => isExact(values[at], text));
    return simple ? texts : values.map((value) => valueText(value, digits));
  }

  /** Whether a value is what its text says, not a rounded decimal. */
  const isExact = (value, text) => {
    if (text.includes("/") || Number.isNaN(value)) return true;
    const told = Number(text.replace(MINUS, "-"));
    // Beyond six digits float32 takes one number for another; there only the very number counts.
    return told === value || (Math.abs(value) < 1e6 && Math.fround(told) === Math.fround(value));
  };

  /** A range in words, `−3.92 to 4.2`, or the value of a constant map. */
  function rangeText({ low, high, nans, infinite }, cells) {
    if (nans + infinite === cells) return "no finite value";
    if (low === high) return valueText(low);
    for (let digits = 3; digits < 10; digits++) {
      const ends = [valueText(low, digits), valueText(high, digits)];
      if (ends[0] !== ends[1] || digits === 9) return ends.join(" to ");
    }
    return "";
  }

  /** A share in whole percent; only an exact 0 or 1 is 0 % or 100 %. */
  function shareText(share) {
    if (share > 0 && share < 0.01) return "<1 %";
    if (share > 0.99 && share < 1) return ">99 %";
    const hundredths = share * 100;
    const whole = Math.floor(hundredths);
    const half = hundredths - whole === 0.5; // rounded to even, as Python does
    return `${half ? whole + (whole % 2) : Math.round(hundredths)} %`;
  }

  /** What must not be overlooked: NaN, infinity, a dead or a constant map. */
  function markText(stats, height, width) {
    const words = [];
    if (stats.nans) words.push(`${stats.nans} NaN`);
    if (stats.infinite) words.push(`${stats.infinite} infinite`);
    if (words.length) return words.join(", ");
    if (stats.zeros === 1) return "dead: all 0";
    if (stats.low === stats.high && height * width > 1)
      return `constant: all ${valueText(stats.low)}`;
    return "";
  }

  function padsText(axes) {
    const [rows, columns] = axes || [];
    if (!axes || !(rows.before + rows.after + columns.before + columns.after)) return "";
    return `(+${rows.before} top, +${rows.after} bottom, +${columns.before} left, +${columns.after} right)`;
  }

  /** Rows and columns by number from 0, or how many they are. */
  function cellsText({ rows, columns }) {
    const words = [];
    for (const [name, numbers] of [
      ["row", rows],
      ["column", columns],
    ]) {
      if (numbers.length > MOST_NAMES) words.push(`${numbers.length} ${name}s`);
      else if (numbers.length)
        words.push(`${name}${numbers.length > 1 ? "s" : ""} ${numbers.join(", ")}`);
    }
    return words.join(" and ");
  }

  const sized = (pool) => pool === "max" || pool === "average";
  const poolName = ({ pool, pool_size: size }) =>
    `${pool.replace("_", " ")}${sized(pool) ? ` ${featviz.sizeText(size)}` : ""}`;

  /** The run in one line: kernel, stride, pads really added, border, activation, pool. */
  function runText(run, name) {
    const { settings } = run;
    const words = [name];
    if (settings.color !== "grey") words.push(`color ${settings.color}`);
    words.push(`stride ${featviz.sizeText(settings.stride)}`);
    if (settings.dilation.some((step) => step > 1))
      words.push(`dilation ${featviz.sizeText(settings.dilation)}`);
    const padding = typeof settings.padding === "string" ? settings.padding : "padding";
    words.push(`${padding} ${padsText(run.axes)}`.trim());
    if (settings.border !== "zeros") words.push(`border ${settings.border}`);
    if (settings.bias) words.push(`bias ${cellText(settings.bias)}`);
    words.push(settings.activation);
    let pool = poolName(settings);
    if (sized(settings.pool))
      pool += ` stride ${featviz.sizeText(settings.pool_stride)} ${padsText(run.poolAxes)}`;
    words.push(pool.trim());
    return words.join(" · ");
  }

  /** Which rows and columns no window reaches, in a sentence, or nothing. */
  function leftOverText(run) {
    const words = [];
    for (const [cells, what] of [
      [run.uncovered, "the kernel"],
      [run.poolUncovered, "the pool"],
    ]) {
      const text = cells ? cellsText(cells) : "";
      if (text) words.push(`No window of ${what} reaches ${text}.`);
    }
    return words.join(" ");
  }

  Object.assign(featviz, {
    one,
    el,
    write,
    minus,
    valueText,
    cellText,
    cellTexts,
    isExact,
    rangeText,
    shareText,
    markText,
    poolName,
    runText,
    leftOverText,
  });
})();
