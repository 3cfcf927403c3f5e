// Practice: a cell is hidden, one works it out; hints, a check with tolerance, a score.
"use strict";
(() => {
  const featviz = (globalThis.featviz ??= {});
  const { one, write, cellText, cellTexts, isExact, valueText } = featviz;
  const MOST_LOOKED_AT = 225; // cells, as many as stand in a table
  const score = { right: 0, asked: 0 };
  const random = (count) => Math.floor(Math.random() * count);

  /**
   * How far a guess may be from a value, as far as three digits tell: half of the third; whole
   * numbers are exact; 0 is told from a thousandth of the largest value on the map.
   */
  function toleranceOf(value, largest) {
    const size = Math.abs(value);
    if (size === 0) return Math.min(0.005, largest / 1000);
    if (Number.isInteger(value) && size <= 2 ** 53) return 0.005;
    return Math.min(0.5 * 10 ** (Math.floor(Math.log10(size)) - 2), size < 2 ** 24 ? 0.5 : Infinity);
  }

  const isNear = (guess, value, largest) =>
    Math.abs(guess - value) <= toleranceOf(value, largest) * (1 + 1e-6);

  /** A finite cell, best one with something to work out and not that of the last question. */
  function chooseQuestion(view, stage) {
    const { map, height, width } = view.stages[stage];
    const last = view.lastAsked === undefined ? -1 : view.lastAsked;
    const rank = (at) => (Number.isFinite(map[at]) ? (at === last ? 1 : map[at] === 0 ? 2 : 3) : 0);
    let best = random(height * width);
    for (let tries = 0; tries < 40 && rank(best) < 3; tries++) {
      const at = random(height * width);
      if (rank(at) > rank(best)) best = at;
    }
    for (let at = 0; at < map.length && rank(best) < 2; at++) if (rank(at) > rank(best)) best = at;
    if (!rank(best)) return null;
    view.lastAsked = best;
    return { stage, row: Math.floor(best / width), column: best % width };
  }

  function ask(view) {
    featviz.pause();
    const { stage } = view.state.cell;
    view.practice = null;
    const question = chooseQuestion(view, stage);
    if (!question) return say(`No cell of ${stage} holds a finite number.`, "bad");
    featviz.choose(view, question, false);
    const cell = view.state.cell;
    view.practice = { ...cell, told: new Set(), tried: false, done: false };
    view.practice.found = featviz.explain(
      view.told,
      stage === "condense" ? "condense" : "filter",
      cell.row,
      cell.column,
      view.state.map,
    );
    for (const id of ["field", "check", "hint", "next", "stop"])
      one(`#practice-${id}`).hidden = false;
    one("#practice-start").hidden = true;
    one("#guess").value = "";
    featviz.showCell(view);
    featviz.writeCaptions(view);
    say(
      `Which number stands at ${featviz.pointText(cell)}? Its window is marked. ` +
        "Three digits are enough; whole numbers are exact.",
      "",
    );
    one("#guess").focus();
    return undefined;
  }

  function say(words, kind) {
    const told = one("#practice-told");
    told.className = kind;
    write(told, words);
  }

  function valueAsked(view) {
    const { stage, row, column } = view.practice;
    const { told, width } = view.stages[stage];
    return told[view.state.map][row * width + column];
  }

  /** Whether a guess is the cell; what rounding alone keeps from 0 may be called 0. */
  function isRight(view, guess) {
    const { stage, found } = view.practice;
    const value = valueAsked(view);
    const { map } = view.stages[stage];
    let largest = 0;
    for (const cell of map) if (Number.isFinite(cell)) largest = Math.max(largest, Math.abs(cell));
    if (isNear(guess, value, largest)) return true;
    if (stage === "condense") return false;
    const { total } = featviz.settled(view, found);
    if (total === found.total) return false;
    const activation = featviz.parseActivation(
      stage === "filter" ? "linear" : view.run.settings.activation,
    );
    return isNear(guess, featviz.activate([total], activation)[0], largest);
  }

  function check(view) {
    const { practice } = view;
    if (!practice || practice.done) return;
    const typed = one("#guess").value.trim();
    if (!typed) return say("Type a number.", "bad");
    let guess;
    try {
      guess = featviz.parseNumber(typed, "the answer");
    } catch (error) {
      return say(error.message, "bad");
    }
    const right = isRight(view, guess);
    if (!practice.tried) score.asked++;
    practice.tried = true;
    if (right) {
      score.right++;
      practice.done = true;
      featviz.showCell(view);
      featviz.writeCaptions(view);
      const text = featviz.sureText(valueAsked(view), featviz.cellError(view, practice.stage, practice.found));
      say(`Right: ${isExact(valueAsked(view), text) ? "" : "≈ "}${text}.`, "good");
      one("#practice-next").focus();
    } else say(`${typed} is not it. Try again, or take a hint.`, "bad");
    write(one("#score"), `${score.right} of ${score.asked} right`);
    return undefined;
  }

  /** Work one term out. */
  function hint(view) {
    const { practice } = view;
    if (!practice || practice.done) return;
    const { stage, found, told } = practice;
    if (stage === "condense") say(poolHint(found), "");
    else if (stage === "detect")
      say(
        `The filter gives ${featviz.totalText(view, practice)} here; the activation is ${view.run.settings.activation}.`,
        "",
      );
    else {
      const left = found.taps.filter((tap) => !told.has(featviz.tapKey(tap)));
      const some = left.filter((tap) => tap.product !== 0);
      const [next] = some;
      if (some.length < 2) for (const tap of left) told.add(featviz.tapKey(tap)); // the rest is 0
      if (next) told.add(featviz.tapKey(next));
      const zeros = left.length > some.length ? "; all other products are 0" : "";
      const rest = some.length > 1 ? `; ${some.length - 1} more to go` : zeros;
      if (next) say(`${productText(next, featviz.weightText(view, next))}${rest}.`, "");
      else say("All products are worked out: add them up.", "");
    }
    featviz.showCell(view);
    return undefined;
  }

  /** `a·b = c`; where one of them is a rounded decimal, none is a fraction. */
  function productText({ value, weight, product }, typed) {
    const values = [value, weight, product];
    const texts = cellTexts(values);
    const exact = texts.every((text, at) => isExact(values[at], text));
    const kept = exact && isExact(weight, typed) ? typed : texts[1];
    const factors = [texts[0], kept].map((text) => (text.startsWith("−") ? `(${text})` : text));
    return `${factors.join("·")} ${exact ? "=" : "≈"} ${texts[2]}`;
  }

  function poolHint({ taps, sum, counted }) {
    const cells = taps.filter((tap) => tap.kind !== "padding");
    const values = cells.slice(0, MOST_LOOKED_AT).map((tap) => tap.value);
    const texts = cellTexts(values);
    const exact = texts.every((text, at) => isExact(values[at], text));
    if (counted)
      return `The ${counted} cells add up to ${exact ? cellText(sum, 6) : valueText(sum, 6)}.`;
    const larger = cells.filter((tap) => tap.value > values[0]).length;
    return `The first cell is ${texts[0]}; ${larger ? "one of the others is larger" : "none of the others is larger"}.`;
  }

  function stop(view, shows = true) {
    view.practice = null;
    for (const id of ["field", "check", "hint", "next", "stop"])
      one(`#practice-${id}`).hidden = true;
    one("#practice-start").hidden = false;
    say("", "");
    if (!shows) return;
    featviz.showCell(view);
    featviz.writeCaptions(view);
  }

  function connectPractice(view) {
    one("#practice-start").addEventListener("click", () => ask(view));
    one("#practice-next").addEventListener("click", () => ask(view));
    one("#practice-hint").addEventListener("click", () => hint(view));
    one("#practice-stop").addEventListener("click", () => {
      stop(view);
      one("#practice-start").focus();
    });
    one("#practice-form").addEventListener("submit", (event) => {
      event.preventDefault();
      check(view);
    });
  }

  Object.assign(featviz, { connectPractice, stopPractice: stop });
})();
