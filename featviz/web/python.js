// The line of Python that makes the same numbers, and copying it.
"use strict";
(() => {
  const featviz = (globalThis.featviz ??= {});
  const { one, write } = featviz;

  /** Text as a literal of Python; nothing in it can end the literal. */
  function pythonString(text) {
    // JSON's escapes are Python's, surrogate pairs apart; what could be misread is written as code.
    const written = Array.from(text, (letter) => {
      const code = letter.codePointAt(0);
      if (letter === '"' || letter === "\\") return `\\${letter}`;
      if (code >= 32 && code < 127) return letter;
      if (/[\p{L}\p{N}\p{P}\p{S}]/u.test(letter)) return letter;
      return code > 0xffff
        ? `\\U${code.toString(16).padStart(8, "0")}`
        : `\\u${code.toString(16).padStart(4, "0")}`;
    });
    return `"${written.join("")}"`;
  }

  /** A number as it was typed: fractions as text, which Python reads exactly. */
  function pythonNumber(text) {
    const word = text.trim().replaceAll("−", "-");
    if (word.includes("/")) return `"${word}"`;
    if (/^[-+]?\d+$/.test(word)) return String(BigInt(word.replace(/^\+/, "")));
    return featviz.pythonText(Number(word));
  }

  const pythonValue = (value) => {
    if (typeof value === "string") return pythonString(value);
    if (!Array.isArray(value)) return featviz.pythonText(value);
    return value[0] === value[1] && !Array.isArray(value[0])
      ? pythonValue(value[0])
      : `(${value.map((item) => (Array.isArray(item) ? `(${item.join(", ")})` : pythonValue(item))).join(", ")})`;
  };

  function imageText({ source, python, size, image }) {
    const called = python ?? (source === null ? "image" : pythonString(source));
    if (size === null) return called;
    const read = `fv.read_image(${called}, size=${Array.isArray(size) ? `(${size.join(", ")})` : size})`;
    return image.kind === "uint8" ? `(${read} * 255).round() / 255` : read; // as the page keeps it
  }

  function kernelText({ kernel }, { kernels }) {
    const numbers = JSON.stringify(kernel.texts);
    const found = kernels.find(
      ({ name, preset, texts }) => preset && name === kernel.name && JSON.stringify(texts) === numbers,
    );
    if (found) return pythonString(found.preset);
    return `[${kernel.texts.map((row) => `[${row.map(pythonNumber).join(", ")}]`).join(", ")}]`;
  }

  /**
   * The call of featviz.extract that gives what the page shows; options only where they differ
   * from what Python takes by itself.
   */
  function pythonFromState(state, island) {
    const { settings } = state;
    const words = [imageText(island), kernelText(state, island)];
    const usual = { ...featviz.readSettings({}), pool_stride: settings.pool_size };
    for (const [key, value] of Object.entries(usual)) {
      if (JSON.stringify(settings[key]) !== JSON.stringify(value))
        words.push(`${key}=${pythonValue(settings[key])}`);
    }
    return `fv.extract(${words.join(", ")})`;
  }

  async function copy() {
    featviz.keepNow(); // an edit of this very moment is in the line
    const area = one("#python");
    let done = false;
    try {
      await navigator.clipboard.writeText(area.value);
      done = true;
    } catch {
      area.focus(); // a frame may have no clipboard: the old way, then by hand
      area.select();
      done = document.execCommand("copy");
    }
    write(one("#share-told"), done ? "Copied." : "The line is selected: copy it with Ctrl+C.");
  }

  const connectPython = () => one("#copy").addEventListener("click", copy);

  Object.assign(featviz, { pythonFromState, connectPython });
})();
