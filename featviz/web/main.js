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

  /** Say why something is not done; what is shown is not what the fields ask for. */
  function refuse(words) {
    tell(words);
    one("#page").classList.add("stale");
  }

  /**
   * Compute and draw everything from the state. `featviz.lastRedraw` then holds the milliseconds
   * of script time that it took.
   * @param {Object} settings to be taken over, if they can be
   * @returns {string} why they cannot; "" for done
   */
  function redraw(settings = view.state.settings) {
    const begun = performance.now();
    const { state } = view;
    let run;
    try {
      run = featviz.compute(view.image, view.rows, settings, state.kernel.name);
    } catch (error) {
      refuse(error.message);
      return error.message;
    }
    const { name, texts } = state.kernel;
    run.texts = texts.map((row) => [...row]);
    view.run = run;
    view.used = { kernel: { name, texts: run.texts }, settings: run.settings };
    state.settings = run.settings;
    view.hover = view.pixel = null;
    if (view.practice) featviz.stopPractice(view, false);
    featviz.holdHeight(false);
    featviz.drawPanels(view);
    write(one("#run-line"), featviz.runText(run, name));
    write(one("#left-over"), featviz.leftOverText(run));
    featviz.showKernelFacts(view);
    featviz.showRunFields(view);
    featviz.showCell(view, one("#told").textContent !== "");
    featviz.showUsed(view);
    keep();
    featviz.lastRedraw = performance.now() - begun;
    return "";
  }

  /** Bring address and Python line up to date, once things have come to rest. */
  function keep() {
    clearTimeout(keeping);
    keeping = setTimeout(keepNow, 150);
  }

  function keepNow() {
    clearTimeout(keeping);
    const shown = { ...view.state, ...view.used };
    featviz.writeFragment(featviz.fragmentFromState(shown, view.start, view.island.kernels));
    const [area, text] = [one("#python"), featviz.pythonFromState(shown, view.island)];
    if (area.textContent !== text) write(one("#share-told"), "");
    write(area, text);
    area.value = text;
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
    featviz.showSettings(view, false);
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

  /** Draw what is computed once more: the room or the colours of the system have changed. */
  function drawAgain() {
    if (!view.run) return;
    featviz.drawPanels(view);
    featviz.showCell(view);
  }

  function connect() {
    featviz.connectPlayer(view);
    featviz.connectPractice(view);
    featviz.connectPython();
    featviz.connectPicture(view);
    one("#reset").addEventListener("click", () => take(view.start));
    globalThis.addEventListener("hashchange", takeAddress);
    featviz.dark.addEventListener("change", drawAgain);
    let room = one("#panels").clientWidth;
    new ResizeObserver(() => {
      if (one("#panels").clientWidth === room) return;
      room = one("#panels").clientWidth;
      drawAgain();
    }).observe(one("#panels"));
  }

  /** A name that is taken already is told apart: the caller's kernels come first. */
  function tellApart(kernels) {
    const taken = new Set([featviz.OWN]);
    for (const kernel of kernels) {
      kernel.preset = kernel.preset ? kernel.name : null; // what Python calls it
      if (taken.has(kernel.name)) kernel.name += kernel.own ? " (given)" : " (preset)";
      const name = kernel.name;
      for (let at = 2; taken.has(kernel.name); at++) kernel.name = `${name} (${at})`;
      taken.add(kernel.name);
    }
  }

  /** A kernel as pages.py writes it: name, rows and, as 1 and 2 of its kind, own and preset. */
  const menuKernel = ([name, rows, kind]) => ({
    name,
    texts: rows.split(";").map((row) => row.split(" ")),
    own: kind % 2 === 1,
    preset: kind > 1,
  });

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
    view.island.kernels = view.island.kernels.map(menuKernel);
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

  Object.assign(featviz, { view, redraw, refuse, tell, keep, keepNow, lastRedraw: 0 });
  featviz.ready = begin().catch((error) => tell(`This page could not be shown: ${error.message}`));
})();
