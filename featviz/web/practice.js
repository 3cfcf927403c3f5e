// Practice: a cell is hidden, one works it out; hints, a check with tolerance, a score.
"use strict";
(() => {
  const featviz = (globalThis.featviz ??= {});
  const { one, write, cellText, cellTexts, isExact, valueText } = featviz;
  const MOST_LOOKED_AT = 225; // cells, as many as stand in a table
  const score = { right: 0, asked: 0 };
  const random = (count) => Math.floor(Math.random() * count);

  /**
   * Whether a guess is the value, as far as three digits tell: half of the last digit shown.
   * @param {number} guess @param {number} value
   */
  function isRight(guess, value) {
    const size = Math.abs(value);
    const digits =
      Number.isInteger(value) || size === 0
        ? 0.005
        : 0.5 * 10 ** (Math.floor(Math.log10(size)) - 2);
    return Math.abs(guess - value) <= Math.min(digits, 0.5) * (1 + 1e-6);
  }

  /** A cell with something to work out: of twenty at random the first that is not 0. */
  function chooseQuestion(view, stage) {
    const { map, height, width } = view.stages[stage];
    let at = 0;
    for (let tries = 0; tries < 20; tries++) {
      at = random(height * width);
      if (map[at] !== 0) break;
    }
    return { stage, row: Math.floor(at / width), column: at % width };
  }

  function ask(view) {
    featviz.pause();
    const { stage } = view.state.cell;
    view.practice = null;
    featviz.choose(view, chooseQuestion(view, stage), false);
    const cell = view.state.cell;
    view.practice = { ...cell, told: new Set(), tried: false, done: false };
    view.practice.found = featviz.explain(
      view.run,
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
    say(`Which number stands at ${featviz.pointText(cell)}? Its window is marked.`, "");
    one("#guess").focus();
  }

  function say(words, kind) {
    const told = one("#practice-told");
    told.className = kind;
    write(told, words);
  }

  function valueAsked(view) {
    const { stage, row, column } = view.practice;
    const { map, width } = view.stages[stage];
    return map[row * width + column];
  }

  function check(view) {
    const { practice } = view;
    if (!practice || practice.done) return;
    let guess;
    try {
      guess = featviz.parseNumber(one("#guess").value, "the answer");
    } catch (error) {
      say(error.message, "bad");
      return;
    }
    const right = isRight(guess, valueAsked(view));
    if (!practice.tried) score.asked++;
    practice.tried = true;
    if (right) {
      score.right++;
      practice.done = true;
      featviz.showCell(view);
      say(`Right: ${cellText(valueAsked(view), 6)}.`, "good");
      one("#practice-next").focus();
    } else say(`${cellText(guess, 6)} is not it. Try again, or take a hint.`, "bad");
    write(one("#score"), `${score.right} of ${score.asked} right`);
  }

  /** Work one term out. */
  function hint(view) {
    const { practice } = view;
    if (!practice || practice.done) return;
    const { stage, found, told } = practice;
    if (stage === "condense") say(poolHint(found), "");
    else if (stage === "detect")
      say(
        `The filter gives ${cellText(found.total, 6)} here; the activation is ${view.run.settings.activation}.`,
        "",
      );
    else {
      const left = found.taps.filter((tap) => !told.has(featviz.tapKey(tap)));
      const next = left.find((tap) => tap.product !== 0) || left[0];
      if (!next) return say("All products are worked out: add them up.", "");
      told.add(featviz.tapKey(next));
      const rest = left.length - 1;
      say(`${productText(next, featviz.weightText(view, next))}${rest ? `; ${rest} more to go` : ""}.`, "");
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

  function stop(view) {
    view.practice = null;
    for (const id of ["field", "check", "hint", "next", "stop"])
      one(`#practice-${id}`).hidden = true;
    one("#practice-start").hidden = false;
    say("", "");
    featviz.showCell(view);
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
