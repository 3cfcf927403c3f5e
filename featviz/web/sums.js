// The arithmetic of a cell as lines of text: products and their sum, bias, activation, pool.
"use strict";
(() => {
  const featviz = (globalThis.featviz ??= {});
  const { cellText, cellTexts, isExact, minus, valueText } = featviz;
  const MOST_TERMS = 27;
  const MOST_READ = 225; // cells of a pool that are looked at
  // What these give is its argument times a number; what others give is rounded.
  const EXACT = new Set(["relu", "relu6", "leaky_relu", "linear"]);

  // What these make of 0, which is no rounded number.
  const AT_ZERO = new Map([["sigmoid", 0.5], ["hard_sigmoid", 0.5], ["exponential", 1]]);
  for (const name of ["tanh", "gelu", "silu", "elu", "selu", "celu", "softsign", "mish"])
    AT_ZERO.set(name, 0);

  const signed = (text) => (text.startsWith("−") ? `(${text})` : text);
  const equals = (exact, result) => `${exact ? "=" : "≈"}\u00a0${result}`;

  const typedText = ({ run }, tap) => run.texts[tap.kernelRow][tap.kernelColumn];
  const weightText = (view, tap) =>
    minus(featviz.shownText(typedText(view, tap))).replace(/^\+/, "");

  /**
   * Sum and total of a filter's cell; what only the rounding of its numbers keeps from 0 is 0.
   * @param {object} view @param {object} found what featviz.explain says of the cell
   * @returns {{sum: number, total: number, error: number}} error: how far either may be wrong
   */
  function settled(view, { taps, sum, total, bias, cell }) {
    const own = featviz.sumError(taps);
    const error = featviz.sumError(taps, bias);
    const told = cell && toldAt(view, "filter", cell);
    const plain = Math.abs(sum) <= own || (told === 0 && !bias) ? 0 : sum;
    if (!bias) return { sum: plain, total: plain, error };
    const whole = plain === 0 ? bias : total;
    return { sum: plain, total: Math.abs(whole) <= error || told === 0 ? 0 : whole, error };
  }

  function toldAt({ stages, state }, stage, { row, column }) {
    return stages[stage].told[state.map][row * stages[stage].width + column];
  }

  /** What the map holds where float32 has made another number of the sum. */
  function storedNote({ taps, bias }, total, stored) {
    const size = taps.reduce((most, tap) => most + Math.abs(tap.product), Math.abs(bias));
    const whole =
      Number.isInteger(bias) &&
      taps.every(({ value, weight }) => Number.isInteger(value) && Number.isInteger(weight));
    const near = Math.abs(total - stored) <= 2 ** -23 * Math.abs(stored) + 2 ** -48 * size;
    const same = Object.is(total + 0, stored + 0) || (near && !whole && total !== 0);
    const [read, kept] = [total, stored].map((value) => cellText(value, 6));
    return same || read === kept ? "" : ` (float32: ${kept})`;
  }

  /** A number in the digits that are sure; a fraction only beside others. */
  function sureText(value, error, simple = true, most = 6) {
    const text = simple ? cellText(value, 6) : valueText(value, 6);
    if (text.includes("/") || (simple && isExact(value, text))) return text;
    return valueText(value, featviz.sureDigits(value, error, most));
  }

  /** The pixels of a window as texts, and whether all that is multiplied is written as it is. */
  function readTaps(view, { taps }) {
    const values = taps.map((tap) => tap.value);
    const texts = cellTexts(values, 6);
    const simple =
      texts.every((text, at) => isExact(values[at], text)) &&
      taps.every((tap) => isExact(tap.weight, weightText(view, tap)));
    return { texts, simple };
  }

  /** `a·b + c·d = total`, `≈` where a number shown is rounded. */
  function sumText(view, found, { sum: total, error }, { texts, simple }, asked) {
    const terms = found.taps
      .slice(0, MOST_TERMS)
      .map((tap, at) => `${signed(texts[at])}·${signed(weightText(view, tap))}`);
    const more = found.taps.length - terms.length;
    if (more > 0) terms.push(`… (${more} more products)`);
    const result = sureText(total, error, simple);
    const exact = simple && more <= 0 && isExact(total, result);
    return `${terms.join(" + ")} ${asked ? "= ?" : equals(exact, result)}`;
  }

  /** The lines of a cell of filter or detect. */
  function filterLines(view, cell, found, asked) {
    const { stages, state, run } = view;
    const { bias } = run.settings;
    const at = cell.row * stages.filter.width + cell.column;
    const stored = stages.filter.maps[state.map][at];
    const known = settled(view, { ...found, cell });
    const { sum, total, error } = known;
    const hidden = asked && cell.stage === "filter";
    const read = readTaps(view, found);
    const lines = [sumText(view, found, known, read, hidden)];
    const [before, after] = [sum, total].map((value) => sureText(value, error, read.simple));
    const added = cellText(bias, 6);
    if (bias && hidden) lines.push(`and the bias: + ${signed(added)}`);
    else if (bias) {
      const exact = isExact(sum, before) && isExact(bias, added) && isExact(total, after);
      lines.push(`with the bias: ${before} + ${signed(added)} ${equals(exact, after)}`);
    }
    if (!hidden) lines[lines.length - 1] += storedNote(found, total, stored);
    if (cell.stage === "detect") lines.push(detectLine(view, cell, { error, simple: read.simple }, asked));
    return lines;
  }

  function detectLine(view, cell, { error, simple }, asked) {
    const [stored, value] = ["filter", "detect"].map((stage) => toldAt(view, stage, cell));
    const name = view.run.settings.activation.replace(/\(.*/, "");
    const plain = EXACT.has(name);
    const before = sureText(stored, error, simple);
    const result = value === stored ? before : sureText(value, error, true, plain ? 6 : 5);
    const small = name !== "leaky_relu" || Math.abs(value) < 1e6; // float32 may round a slope's result
    const known = plain || (stored === 0 && AT_ZERO.get(name) === value);
    const sure = name !== "leaky_relu" || isExact(stored, before); // a slope multiplies what is rounded
    const exact = known && small && sure && isExact(value, result);
    return `${name}(${before}) ${asked ? "= ?" : equals(exact, result)}`;
  }

  /** How far the result of a pool may lie from what its pixels stand for. */
  function poolError({ run, state, stages }, { taps, winner }, counted) {
    const errors = featviz.errorsOf(run, state.map);
    const errorOf = ({ sourceRow, sourceColumn }) =>
      errors(sourceRow * stages.filter.width + sourceColumn);
    if (winner >= 0) return errorOf(taps[winner]);
    const some = counted.slice(0, MOST_READ); // of more cells these stand for all
    return some.reduce((sum, tap) => sum + errorOf(tap), 0) / some.length;
  }

  /** The line of a cell of condense; `counted` are the taps that take part. */
  function poolLine(view, found, counted, asked) {
    const { pool } = view.run.settings;
    const values = counted.slice(0, MOST_READ).map((tap) => tap.value);
    const texts = cellTexts(values, 6);
    const terms = texts.slice(0, MOST_TERMS);
    if (counted.length > terms.length) terms.push(`… (${counted.length - terms.length} more)`);
    const simple = texts.every((text, at) => isExact(values[at], text));
    const error = poolError(view, found, counted);
    const result = sureText(found.value, error, simple);
    const exact = simple && isExact(found.value, result) && counted.length <= MOST_TERMS;
    const answer = asked ? "= ?" : equals(exact, result);
    if (pool.endsWith("max")) return `max(${terms.join(", ")}) ${answer}`;
    return `(${terms.map(signed).join(" + ")}) / ${counted.length} ${answer}`;
  }

  /** How far the number of a cell may lie from what its pixels stand for. */
  const cellError = (view, stage, found) =>
    stage === "condense"
      ? poolError(view, found, found.taps.filter((tap) => tap.kind !== "padding"))
      : featviz.sumError(found.taps, found.bias);

  /** The total of the filter's cell that is asked for. */
  function totalText(view, { found, row, column }) {
    const { total, error } = settled(view, { ...found, cell: { row, column } });
    return sureText(total, error);
  }

  Object.assign(featviz, { cellError, filterLines, poolLine, settled, sureText, totalText, weightText });
})();
