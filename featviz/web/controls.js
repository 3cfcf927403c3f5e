// The fields of every setting: stride, padding, border, bias, activation, pool, colours.
"use strict";
(() => {
  const featviz = (globalThis.featviz ??= {});
  const { one, el, minus, wordsOf } = featviz;
  const AXES = ["rows", "columns"];
  const before = new WeakMap(); // field → what it said after the last run

  const options = (values) => values.map((value) => new Option(value.replace("_", " "), value));

  function field(form, name, ...inputs) {
    const box = el(
      "div",
      { className: "field" },
      el("span", { className: "name", "aria-hidden": "true" }, name),
    );
    box.append(el("div", { className: "pair" }, ...inputs));
    form.append(box);
    return box;
  }

  const numberInput = (id, label, min, max = 999) =>
    el("input", {
      id,
      type: "number",
      min,
      max,
      step: 1,
      inputMode: "numeric",
      "aria-label": label,
    });
  const selectInput = (id, label, values) =>
    el("select", { id, "aria-label": label }, ...options(values));

  /** Two inputs, of which the second is hidden while both axes go together. */
  function axisInputs(form, name, make) {
    const inputs = AXES.map((axis) => make(axis));
    inputs[1].classList.add("second");
    return field(form, name, ...inputs);
  }

  function padInputs(form, prefix) {
    const sides = [
      ["top", "bottom"],
      ["left", "right"],
    ];
    sides.forEach((names, axis) => {
      const inputs = names.map((side) =>
        numberInput(`${prefix}-${side}`, `${prefix.replace("_", " ")}, cells at the ${side}`, 0),
      );
      const box = field(form, names.join(", "), ...inputs);
      box.id = `${prefix}-pads-${AXES[axis]}`;
    });
  }

  function slideFields(form, prefix, what) {
    axisInputs(form, "stride", (axis) =>
      numberInput(`${prefix}stride-${axis}`, `${what} stride, ${axis}`, 1),
    );
    axisInputs(form, "padding", (axis) =>
      selectInput(`${prefix}padding-${axis}`, `${what} padding, ${axis}`, [...wordsOf(`${prefix}padding`), "pads"]),
    );
    padInputs(form, `${prefix}padding`);
  }

  function unlinkField(form, id) {
    const box = el("input", { id, type: "checkbox" });
    form.append(el("label", { className: "check" }, box, "rows and columns apart"));
  }

  function buildControls(view) {
    const [filter, detect, condense, picture] = ["filter", "detect", "condense", "picture"].map(
      (name) => one(`#${name}-form`),
    );
    unlinkField(filter, "unlink");
    slideFields(filter, "", "kernel");
    axisInputs(filter, "dilation", (axis) =>
      numberInput(`dilation-${axis}`, `dilation, ${axis}`, 1),
    );
    field(filter, "border", selectInput("border", "border: what the padding holds", wordsOf("border")));
    field(filter, "bias", el("input", { id: "bias", type: "text", "aria-label": "bias" }));
    field(
      detect,
      "activation",
      selectInput("activation", "activation", [...featviz.activations.keys()]),
    );
    detect.append(el("div", { id: "activation-numbers" }));
    field(condense, "pool", selectInput("pool", "pool", wordsOf("pool")));
    const sized = el("div", { id: "pool-sized" });
    condense.append(sized);
    unlinkField(sized, "pool-unlink");
    axisInputs(sized, "window", (axis) =>
      numberInput(`pool_size-${axis}`, `window of the pool, ${axis}`, 1),
    );
    slideFields(sized, "pool_", "pool");
    field(picture, "scale", selectInput("scale", "scale of the colours", wordsOf("scale")));
    const color = field(
      picture,
      "channels",
      selectInput("color", "what is done with the channels", wordsOf("color")),
    );
    color.hidden = view.image.channels === 1;
    field(picture, "map", el("select", { id: "map", "aria-label": "which map is shown" })).id =
      "map-field";
    const numbers = el("input", { id: "numbers", type: "checkbox" });
    picture.append(
      el("label", { className: "check", id: "numbers-field" }, numbers, "numbers in the cells"),
    );
    connect(view);
  }

  function connect(view) {
    for (const form of document.querySelectorAll("aside form")) {
      form.addEventListener("submit", (event) => event.preventDefault());
      if (form.id !== "kernel-form")
        form.addEventListener("input", (event) => editSettings(view, event.target));
    }
  }

  function wholeOf(id) {
    const node = one(`#${id}`);
    if (node.value.trim() === "")
      throw new Error(`${node.getAttribute("aria-label")} must be a whole number; got none`);
    return Number(node.value);
  }
  const linked = (prefix) => !one(prefix ? "#pool-unlink" : "#unlink").checked;

  function pairOf(key, prefix) {
    const rows = wholeOf(`${key}-rows`);
    return [rows, linked(prefix) ? rows : wholeOf(`${key}-columns`)];
  }

  function paddingOf(key, prefix) {
    const rows = one(`#${key}-rows`).value;
    const words = [rows, linked(prefix) ? rows : one(`#${key}-columns`).value];
    if (words[0] === words[1] && words[0] !== "pads") return words[0];
    const sides = [
      ["top", "bottom"],
      ["left", "right"],
    ];
    return words.map((word, axis) =>
      word === "pads" ? sides[axis].map((side) => wholeOf(`${key}-${side}`)) : word,
    );
  }

  function readControls() {
    const numbers = [...document.querySelectorAll("#activation-numbers input")];
    const call = numbers
      .filter((input) => input.value.trim())
      .map((input) => `${input.dataset.key}=${minus(input.value).replaceAll("−", "-")}`);
    return {
      stride: pairOf("stride", ""),
      padding: paddingOf("padding", ""),
      dilation: pairOf("dilation", ""),
      border: one("#border").value,
      bias: featviz.parseNumber(one("#bias").value.trim() || "0", "bias"),
      activation: `${one("#activation").value}${call.length ? `(${call.join(", ")})` : ""}`,
      pool: one("#pool").value,
      pool_size: pairOf("pool_size", "pool"),
      pool_stride: pairOf("pool_stride", "pool"),
      pool_padding: paddingOf("pool_padding", "pool"),
      color: one("#color").value,
    };
  }

  function editSettings(view, input) {
    const { state } = view;
    if (input.id === "activation") showActivation(input.value, {});
    if (input.id === "numbers") state.numbers = input.checked;
    state.scale = one("#scale").value;
    state.map = Number(one("#map").value) || 0;
    const words = takeControls(view, input);
    if (words) input.setAttribute("aria-invalid", "true");
    else if (input.id === "numbers" && state.numbers && !view.written) {
      featviz.tell(
        "numbers must be off for maps of more than 48 rows or columns: nobody could read them.",
      );
    }
  }

  /**
   * Take over what the fields say. Where it cannot be, what was refused before goes back to what
   * is used, then a kernel that was: neither may stand in the way of another field.
   * @param {Element} input the field that is edited
   * @returns {string} why it cannot be; "" for done
   */
  function takeControls(view, input) {
    const words = tryControls();
    if (!words || !view.used) return words;
    const refused = refusedFields().filter((node) => node !== input);
    for (const node of refused) if (before.has(node)) node.value = before.get(node);
    if (refused.length && !tryControls()) return "";
    const { kernel } = view.state;
    const other = JSON.stringify(kernel) !== JSON.stringify(view.used.kernel);
    if (other && !input.closest("#kernel-form")) {
      featviz.setKernel(view, view.used.kernel.name, view.used.kernel.texts);
      if (!tryControls()) return "";
      featviz.setKernel(view, kernel.name, kernel.texts);
    }
    featviz.refuse(words);
    return words;
  }

  function tryControls() {
    try {
      return featviz.redraw(readControls());
    } catch (error) {
      featviz.refuse(error.message);
      return error.message;
    }
  }

  const refusedFields = () => [...document.querySelectorAll("aside form [aria-invalid]")];

  /** After a run every field but the one that is typed in shows what is used. */
  function showUsed(view) {
    const typed = document.activeElement;
    showSettings(view, typed);
    featviz.showUsedKernel(view, typed);
    for (const node of document.querySelectorAll("aside form :is(input, select)"))
      if (node !== typed) before.set(node, node.value);
    const left = typed?.closest?.("aside form") && typed.hasAttribute("aria-invalid");
    one("#page").classList.toggle("stale", Boolean(left));
    if (!left) featviz.tell();
  }

  function showActivation(name, numbers) {
    const { defaults } = featviz.activations.get(name);
    one("#activation-numbers").replaceChildren();
    // relu with numbers of its own is leaky_relu or relu6 to most: offered where it is asked for.
    if (
      name === "relu" &&
      Object.entries(defaults).every(([key, value]) => (numbers[key] ?? value) === value)
    )
      return;
    for (const [key, value] of Object.entries(defaults)) {
      const text = numbers[key] ?? value;
      const input = el("input", {
        type: "text",
        value: text === null ? "" : String(text),
        "aria-label": key.replace("_", " "),
        "data-key": key,
      });
      field(one("#activation-numbers"), key.replace("_", " "), input);
    }
  }

  function showPadding(key, padding, apart, typed) {
    const sides = [
      ["top", "bottom"],
      ["left", "right"],
    ];
    const both = Array.isArray(padding) ? padding : [padding, padding];
    AXES.forEach((axis, index) => {
      const given = typeof both[index] === "number" ? [both[index], both[index]] : both[index];
      const pads = Array.isArray(given);
      put(one(`#${key}-${axis}`), pads ? "pads" : given, typed);
      one(`#${key}-pads-${axis}`).hidden = !pads;
      sides[index].forEach((side, at) => {
        const input = one(`#${key}-${side}`);
        if (pads || input.value === "") put(input, pads ? given[at] : 1, typed);
      });
    });
    return (
      apart ||
      Array.isArray(both[0]) !== Array.isArray(both[1]) ||
      (!Array.isArray(both[0]) && both[0] !== both[1])
    );
  }

  /** Write a value into a field that does not say it already and that nobody types in. */
  function put(node, value, typed) {
    if (node === typed) return;
    node.removeAttribute("aria-invalid");
    if (node.value.trim() !== "" && says(node.value) === says(String(value))) return;
    node.value = value;
  }

  function says(text) {
    try {
      return featviz.parseNumber(text);
    } catch {
      return text;
    }
  }

  /** Write the settings into the fields, but not into the one that is typed in. */
  function showSettings(view, typed) {
    const { settings, scale, map } = view.state;
    typed ||= null;
    typed?.removeAttribute?.("aria-invalid");
    for (const prefix of ["", "pool_"]) {
      const unlink = one(prefix ? "#pool-unlink" : "#unlink");
      const pairs = prefix ? ["pool_size", "pool_stride"] : ["stride", "dilation"];
      let apart = unlink.checked;
      for (const key of pairs) {
        AXES.forEach((axis, index) => put(one(`#${key}-${axis}`), settings[key][index], typed));
        apart = apart || settings[key][0] !== settings[key][1];
      }
      apart = showPadding(`${prefix}padding`, settings[`${prefix}padding`], apart, typed);
      unlink.checked = apart;
      one(prefix ? "#condense-form" : "#filter-form")
        .querySelectorAll(".second")
        .forEach((node) => (node.hidden = !apart));
    }
    for (const key of ["border", "pool", "color"]) put(one(`#${key}`), settings[key], typed);
    put(one("#scale"), scale, typed);
    put(one("#bias"), settings.bias, typed);
    showActivationFields(settings.activation, typed);
    one("#pool-sized").hidden = !["max", "average"].includes(settings.pool);
    one("#map").value = String(map);
    one("#cover").checked = view.state.cover;
  }

  function showActivationFields(activation, typed) {
    const { name, numbers } = featviz.parseActivation(activation);
    const host = one("#activation-numbers");
    put(one("#activation"), name, null);
    const shown = [...host.querySelectorAll("input")];
    const keys = shown.map((node) => node.dataset.key).join();
    if (keys !== Object.keys(numbers).join()) {
      if (typed !== one("#activation") || name !== "relu") showActivation(name, numbers);
    } else for (const node of shown) put(node, numbers[node.dataset.key] ?? "", typed);
  }

  /** What changes with every run: the maps to choose from, whether numbers are written. */
  function showRunFields(view) {
    const { labels } = view.run.filtered;
    one("#map-field").hidden = labels.length < 2;
    const select = one("#map");
    if (select.children.length !== labels.length) {
      select.replaceChildren(...labels.map((label, index) => new Option(label, String(index))));
      select.value = String(view.state.map);
    }
    one("#numbers").checked = view.written;
  }

  Object.assign(featviz, { buildControls, takeControls, showSettings, showUsed, showRunFields });
})();
