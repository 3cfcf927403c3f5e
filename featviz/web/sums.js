// The arithmetic of a cell as lines of text: products and their sum, bias, activation, pool.
"use strict";
(() => {
  const featviz = (globalThis.featviz ??= {});
  const { cellText, cellTexts, isExact, minus, valueText } = featviz;
  const MOST_TERMS = 27;
  const MOST_SETTLED = 225; // products that are added as fractions
  const DECIMAL = /^([+-]?)(\d*)\.?(\d*)(?:e([+-]?\d{1,2}))?$/i;
  // What these give is its argument times a number; what others give is rounded.
  const EXACT = new Set(["relu", "relu6", "leaky_relu", "linear"]);

  const signed = (text) => (text.startsWith("−") ? `(${text})` : text);
  const equals = (exact, result) => `${exact ? "=" : "≈"}\u00a0${result}`;

  const typedText = ({ run }, tap) => run.texts[tap.kernelRow][tap.kernelColumn];
  const weightText = (view, tap) =>
    minus(featviz.shownText(typedText(view, tap))).replace(/^\+/, "");

  /** A number's text as numerator and denominator; null for what is too large or small. */
  function ratioOf(text) {
    const [above, below = "1"] = text.trim().replaceAll("−", "-").split("/");
    const parts = DECIMAL.exec(above);
    if (!parts) return null;
    const [, sign, whole, part, power = "0"] = parts;
    const shift = Number(power) - part.length;
    const [p, q] = [BigInt(`${sign === "-" ? "-" : ""}${whole}${part}`), BigInt(below)];
    return shift < 0 ? [p, q * 10n ** BigInt(-shift)] : [p * 10n ** BigInt(shift), q];
  }

  function shortened([p, q]) {
    let [a, b] = [p < 0n ? -p : p, q];
    while (b) [a, b] = [b, a % b];
    return [p / a, q / a];
  }

  const meant = (value) => ratioOf(featviz.exactText(value, 9));

  /** Whether products and bias, read as the fractions they stand for, add up to 0. */
  function addsUpToZero(view, taps, bias) {
    let sum = meant(bias);
    for (const tap of taps) {
      const [value, weight] = [meant(tap.value), ratioOf(typedText(view, tap))];
      if (!sum || !value || !weight) return false;
      const under = value[1] * weight[1];
      sum = shortened([sum[0] * under + value[0] * weight[0] * sum[1], sum[1] * under]);
    }
    return sum !== null && sum[0] === 0n;
  }

  /**
   * Sum and total of a filter's cell; what only the rounding of its numbers keeps from 0 is 0.
   * @param {object} view @param {object} found what featviz.explain says of the cell
   * @returns {{sum: number, total: number}}
   */
  function settled(view, { taps, sum, total, bias }) {
    const size = taps.reduce((most, tap) => most + Math.abs(tap.product), 0);
    const settle = (value, added) => {
      const noise = value !== 0 && Math.abs(value) <= 2 ** -22 * (size + Math.abs(added));
      return noise && taps.length <= MOST_SETTLED && addsUpToZero(view, taps, added) ? 0 : value;
    };
    const plain = settle(sum, 0);
    return { sum: plain, total: bias ? settle(plain === 0 ? bias : total, bias) : plain };
  }

  /** What the map holds where float32 has made another number of the sum. */
  function storedNote({ taps, bias }, total, stored) {
    const size = taps.reduce((most, tap) => most + Math.abs(tap.product), Math.abs(bias));
    const whole =
      Number.isInteger(bias) &&
      taps.every(({ value, weight }) => Number.isInteger(value) && Number.isInteger(weight));
    const near = Math.abs(total - stored) <= 2 ** -23 * Math.abs(stored) + 2 ** -48 * size;
    const same = Object.is(total + 0, stored + 0) || (near && !whole && total !== 0);
    return same ? "" : ` (float32: ${cellText(stored, 6)})`;
  }

  /** `a·b + c·d = total`, `≈` where a number shown is rounded. */
  function sumText(view, found, total, asked) {
    const values = found.taps.map((tap) => tap.value);
    const texts = cellTexts(values, 6);
    const terms = found.taps
      .slice(0, MOST_TERMS)
      .map((tap, at) => `${signed(texts[at])}·${signed(weightText(view, tap))}`);
    const more = found.taps.length - terms.length;
    if (more > 0) terms.push(`… (${more} more products)`);
    const simple =
      texts.every((text, at) => isExact(values[at], text)) &&
      found.taps.every((tap) => isExact(tap.weight, weightText(view, tap)));
    const result = simple ? cellText(total, 6) : valueText(total, 6);
    const exact = simple && !more && isExact(total, result);
    return `${terms.join(" + ")} ${asked ? "= ?" : equals(exact, result)}`;
  }

  /** The lines of a cell of filter or detect. */
  function filterLines(view, cell, found, asked) {
    const { stages, state, run } = view;
    const { bias } = run.settings;
    const at = cell.row * stages.filter.width + cell.column;
    const stored = stages.filter.maps[state.map][at];
    const { sum, total } = settled(view, found);
    const hidden = asked && cell.stage === "filter";
    const lines = [sumText(view, found, sum, hidden)];
    const [before, added, after] = [sum, bias, total].map((value) => cellText(value, 6));
    if (bias && hidden) lines.push(`and the bias: + ${signed(added)}`);
    else if (bias) {
      const exact = isExact(sum, before) && isExact(bias, added) && isExact(total, after);
      lines.push(`with the bias: ${before} + ${signed(added)} ${equals(exact, after)}`);
    }
    if (!hidden) lines[lines.length - 1] += storedNote(found, total, stored);
    if (cell.stage === "detect") lines.push(detectLine(view, at, stored, asked));
    return lines;
  }

  function detectLine({ stages, state, run }, at, stored, asked) {
    const value = stages.detect.maps[state.map][at];
    const [before, result] = [stored, value].map((number) => cellText(number, 6));
    const name = run.settings.activation.replace(/\(.*/, "");
    const small = name !== "leaky_relu" || Math.abs(value) < 1e6; // float32 may round a slope's result
    const exact = EXACT.has(name) && small && isExact(value, result) && isExact(stored, before);
    return `${name}(${before}) ${asked ? "= ?" : equals(exact, result)}`;
  }

  /** The line of a cell of condense; `counted` are the taps that take part. */
  function poolLine(view, found, counted, asked) {
    const { pool } = view.run.settings;
    const values = counted.slice(0, MOST_SETTLED).map((tap) => tap.value);
    const texts = cellTexts(values, 6);
    const terms = texts.slice(0, MOST_TERMS);
    if (counted.length > terms.length) terms.push(`… (${counted.length - terms.length} more)`);
    const simple = texts.every((text, at) => isExact(values[at], text));
    const result = simple ? cellText(found.value, 6) : valueText(found.value, 6);
    const exact = simple && isExact(found.value, result) && counted.length <= MOST_TERMS;
    const answer = asked ? "= ?" : equals(exact, result);
    if (pool.endsWith("max")) return `max(${terms.join(", ")}) ${answer}`;
    return `(${terms.map(signed).join(" + ")}) / ${counted.length} ${answer}`;
  }

  Object.assign(featviz, { filterLines, poolLine, settled, weightText });
})();
