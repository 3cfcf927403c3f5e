// The kernel: the menu, its numbers in cells, its size, and what it does to an image.
"use strict";
(() => {
  const featviz = (globalThis.featviz ??= {});
  const { one, el, write } = featviz;
  const LARGEST_KERNEL = 31;
  const OWN = "own numbers";
  const LONGEST_SHOWN = 9; // letters; a longer decimal is shown rounded, and whole where it is edited

  /** A kernel's number as it is shown: as typed, or rounded to six digits. */
  function shownText(text) {
    return text.length > LONGEST_SHOWN ? featviz.formatNumber(featviz.parseNumber(text)) : text;
  }

  function fillPresets({ island }) {
    const select = one("#preset");
    const kinds = [
      ["your kernels", true],
      ["presets", false],
    ];
    for (const [label, own] of kinds) {
      const group = el("optgroup", { label });
      island.kernels.forEach((kernel, index) => {
        if (kernel.own === own) group.append(new Option(kernel.name, String(index)));
      });
      if (group.children.length) select.append(group);
    }
    select.append(new Option(OWN, "", false, false));
  }

  function buildKernel(view) {
    fillPresets(view);
    one("#preset").addEventListener("change", (event) => {
      const kernel = view.island.kernels[Number(event.target.value)];
      if (event.target.value === "" || !kernel) return;
      featviz.setKernel(view, kernel.name, kernel.texts);
      takeKernel(view, event.target);
    });
    one("#cells").addEventListener("input", (event) => editCell(view, event.target));
    for (const [type, written] of [
      ["focusin", (text) => text],
      ["focusout", shownText],
    ])
      one("#cells").addEventListener(type, ({ target }) => {
        const text = view.state.kernel.texts[target.dataset.row]?.[target.dataset.column] ?? "";
        if (!target.hasAttribute("aria-invalid") && text.length > LONGEST_SHOWN)
          target.value = written(text);
      });
    for (const id of ["kernel-rows", "kernel-columns"]) {
      one(`#${id}`).addEventListener("change", (event) => resizeKernel(view, event.target));
    }
  }

  /** Take over a kernel, its numbers as text. */
  function setKernel(view, name, texts) {
    const rows = texts.map((row) => row.map((text) => featviz.parseNumber(text)));
    view.state.kernel = { name, texts: texts.map((row) => [...row]) };
    view.rows = rows;
    showKernel(view);
  }

  function showKernel(view) {
    const { name, texts } = view.state.kernel;
    const host = one("#cells");
    const columns = texts[0].length;
    const longest = Math.max(...texts.flat().map((text) => shownText(text).length));
    host.style.gridTemplateColumns = `repeat(${columns}, minmax(${Math.max(34, 7.6 * longest + 8)}px, 1fr))`;
    host.classList.toggle("narrow", columns > 5);
    host.replaceChildren(
      ...texts.flatMap((row, y) =>
        row.map((text, x) =>
          el("input", {
            type: "text",
            value: shownText(text),
            title: text,
            autocomplete: "off",
            spellcheck: false,
            "data-row": y,
            "data-column": x,
            "aria-label": `kernel, row ${y}, column ${x}`,
            size: 1,
          }),
        ),
      ),
    );
    one("#kernel-rows").value = texts.length;
    one("#kernel-columns").value = columns;
    showName(view, name);
  }

  function showName(view, name) {
    const index = view.island.kernels.findIndex((kernel) => kernel.name === name);
    one("#preset").value = index < 0 ? "" : String(index);
  }

  function editCell(view, input) {
    const [y, x] = [Number(input.dataset.row), Number(input.dataset.column)];
    try {
      const value = featviz.parseNumber(input.value);
      input.removeAttribute("aria-invalid");
      const { kernel } = view.state;
      kernel.texts[y][x] = input.value.trim();
      view.rows[y][x] = value;
      if (kernel.name !== OWN) {
        kernel.name = OWN;
        showName(view, OWN);
      }
      takeKernel(view, input);
    } catch (error) {
      input.setAttribute("aria-invalid", "true");
      featviz.refuse(error.message);
    }
  }

  /** Another size keeps what is there; new cells hold 0. */
  function resizeKernel(view, input) {
    const sizes = ["#kernel-rows", "#kernel-columns"].map((id) => {
      const wanted = Math.round(Number(one(id).value)) || 1;
      return Math.min(LARGEST_KERNEL, Math.max(1, wanted));
    });
    const { texts } = view.state.kernel;
    const larger = Array.from({ length: sizes[0] }, (_, y) =>
      Array.from({ length: sizes[1] }, (_, x) =>
        texts[y] && texts[y][x] !== undefined ? texts[y][x] : "0",
      ),
    );
    setKernel(view, OWN, larger);
    takeKernel(view, input);
  }

  function takeKernel(view, input) {
    if (featviz.takeControls(view, input)) input.setAttribute("aria-invalid", "true");
  }

  /** A cell that was refused says again what is used. */
  function showUsedKernel(view, typed) {
    for (const node of document.querySelectorAll("#kernel-form [aria-invalid]")) {
      if (node === typed && node.dataset.row) continue;
      node.removeAttribute("aria-invalid");
      const { row, column } = node.dataset;
      if (row) node.value = shownText(view.run.texts[row][column]);
    }
  }

  /** Size, sum and output range of the kernel. */
  function showKernelFacts(view) {
    const facts = featviz.kernelNumbers(view.rows);
    // Fractions where the kernel has some; 0.5 and its sums stay decimals.
    const fractions = view.state.kernel.texts.flat().some((text) => text.includes("/"));
    const write6 = (value) =>
      fractions ? featviz.cellText(value, 6) : featviz.valueText(value, 6);
    const texts = [facts.sum, facts.low, facts.high].map(write6);
    const size = featviz.sizeText([view.rows.length, view.rows[0].length]);
    write(
      one("#kernel-facts"),
      `${size} · sum ${texts[0]} · gives ${texts[1]} to ${texts[2]} on a 0..1 image`,
    );
  }

  Object.assign(featviz, { buildKernel, setKernel, showUsedKernel, shownText, showKernelFacts, OWN, LARGEST_KERNEL });
})();
