// The page: one state, one function that redraws everything from it.
"use strict";
(() => {
  const featviz = (globalThis.featviz ??= {});
  const { one, write } = featviz;
  const view = {};
  let keeping = 0;

  /** Say a sentence above the page; none takes it away. */
  function tell(words = "") {
    const notice = one("#notice");
    write(notice, words);
    notice.hidden = !words;
  }

  /**
   * Compute and draw everything from the state. `featviz.lastRedraw` then holds the milliseconds
   * of script time that it took.
   */
  function redraw() {
    const begun = performance.now();
    const { state } = view;
    if (view.practice) featviz.stopPractice(view);
    try {
      view.run = featviz.compute(view.image, view.rows, state.settings, state.kernel.name);
    } catch (error) {
      tell(error.message);
      one("#panels").classList.add("stale");
      return;
    }
    tell();
    one("#panels").classList.remove("stale");
    view.hover = null;
    featviz.holdHeight(false);
    featviz.drawPanels(view);
    write(one("#run-line"), featviz.runText(view.run, state.kernel.name));
    write(one("#left-over"), featviz.leftOverText(view.run));
    featviz.showKernelFacts(view);
    featviz.showRunFields(view);
    featviz.showCell(view);
    keep();
    featviz.lastRedraw = performance.now() - begun;
  }

  /** Bring address and Python line up to date, once things have come to rest. */
  function keep() {
    clearTimeout(keeping);
    keeping = setTimeout(keepNow, 150);
  }

  function keepNow() {
    clearTimeout(keeping);
    featviz.writeFragment(featviz.fragmentFromState(view.state, view.start, view.island.kernels));
    write(one("#python"), featviz.pythonFromState(view.state, view.island));
    one("#python").value = one("#python").textContent;
  }

  function startOf(island) {
    const [kernel] = island.kernels;
    return {
      kernel: { name: kernel.name, texts: kernel.texts.map((row) => [...row]) },
      settings: featviz.readSettings(island.settings),
      scale: "shared",
      map: 0,
      numbers: null,
      cover: false,
      cell: { stage: "filter", row: 0, column: 0 },
    };
  }

  function take(state) {
    view.state = structuredClone(state);
    view.hover = null;
    featviz.setKernel(view, state.kernel.name, state.kernel.texts);
    featviz.showSettings(view);
    redraw();
  }

  /** Take the state from the address; what cannot be is refused with a sentence. */
  function takeAddress() {
    let words = "";
    let state = view.start;
    try {
      state = featviz.stateFromFragment(globalThis.location.hash, view.start, view.island.kernels);
      const rows = state.kernel.texts.map((row) => row.map((text) => featviz.parseNumber(text)));
      featviz.compute(view.image, rows, state.settings, state.kernel.name);
    } catch (error) {
      words = `The address was not followed: ${error.message}`;
      state = view.start;
    }
    take(state);
    if (words) tell(words);
  }

  function connect() {
    featviz.connectPlayer(view);
    featviz.connectPractice(view);
    featviz.connectPython();
    featviz.connectPicture(view);
    one("#reset").addEventListener("click", () => take(view.start));
    globalThis.addEventListener("hashchange", takeAddress);
    let room = one("#panels").clientWidth;
    new ResizeObserver(() => {
      if (one("#panels").clientWidth === room) return;
      room = one("#panels").clientWidth;
      redraw();
    }).observe(one("#panels"));
  }

  /** A preset whose name the caller has taken for other numbers is called so. */
  function tellApart(kernels) {
    const own = new Set(kernels.filter((kernel) => kernel.own).map((kernel) => kernel.name));
    for (const kernel of kernels) {
      kernel.preset = kernel.preset ? kernel.name : null; // what Python calls it
      if (!kernel.own && own.has(kernel.name)) kernel.name += " (preset)";
      if (kernel.name === featviz.OWN) kernel.name += " (given)";
    }
  }

  function subtitleOf({ image, island }) {
    const size = featviz.sizeText([image.height, image.width, image.channels]);
    const resized = island.size === null ? "" : ", resized for this page";
    return `${size}, ${island.image.kind}${resized} · filter, detect, condense`;
  }

  async function begin() {
    view.island = JSON.parse(one("#featviz-data").textContent);
    if (typeof DecompressionStream === "undefined") {
      tell(
        "This browser is too old to unpack the image (it has no DecompressionStream); any of 2023 or later has it.",
      );
      return;
    }
    tellApart(view.island.kernels);
    view.image = await featviz.decodeImage(view.island.image);
    write(one("#title"), view.island.title);
    write(one("#subtitle"), subtitleOf(view));
    one("#page").hidden = false;
    if (globalThis.matchMedia("(max-width: 860px)").matches) {
      document
        .querySelectorAll("aside details")
        .forEach((part, index) => (part.open = index === 0));
    }
    featviz.loadPalettes(view.island);
    view.start = startOf(view.island);
    view.state = structuredClone(view.start);
    featviz.buildPanels();
    featviz.buildKernel(view);
    featviz.buildControls(view);
    connect();
    takeAddress();
  }

  Object.assign(featviz, { view, redraw, tell, keep, keepNow, lastRedraw: 0 });
  featviz.ready = begin().catch((error) => tell(`This page could not be shown: ${error.message}`));
})();
