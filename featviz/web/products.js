// How one cell comes about: window, kernel, products and sum; the window of a pool; a close-up.
"use strict";
(() => {
  const featviz = (globalThis.featviz ??= {});
  const { one, el, write, cellText, cellTexts, minus, weightText } = featviz;
  const MOST_IN_TABLE = 225;
  const narrow = globalThis.matchMedia("(max-width: 860px)");
  let shape = "";
  let tables = [];

  /** Numbers of a row as people say them; a dilation leaves gaps. */
  function spanText(name, first, count, step = 1) {
    if (count === 1) return `${name} ${minus(String(first))}`;
    if (step > 1 && count <= 4) {
      return `${name}s ${minus(Array.from({ length: count }, (_, at) => first + at * step).join(", "))}`;
    }
    const last = first + (count - 1) * step;
    return minus(`${name}s ${first} to ${last}${step > 1 ? ` in steps of ${step}` : ""}`);
  }

  function buildTables(host, groups, names, rows, columns) {
    tables = [];
    host.replaceChildren();
    for (let group = 0; group < groups; group++) {
      const factors = host.appendChild(el("div", { className: "factors" }));
      names.forEach((name, at) => {
        const cells = [];
        const body = el("tbody");
        for (let y = 0; y < rows; y++) {
          const line = el("tr");
          for (let x = 0; x < columns; x++) cells.push(line.appendChild(el("td")));
          body.append(line);
        }
        const caption = el("figcaption");
        const table = el("table", {}, body);
        const sign = at
          ? [el("span", { className: "sign", "aria-hidden": "true" }, at === 1 ? "×" : "=")]
          : [];
        const box = el("figure", { className: "grid-box" }, caption, table);
        if (columns > 7) box.tabIndex = 0; // it may scroll
        factors.append(el("div", { className: "factor" }, ...sign, box));
        tables.push({ cells, caption, table });
      });
    }
  }

  function ensureTables(key, groups, names, rows, columns) {
    if (shape === key) return;
    shape = key;
    buildTables(one("#products"), groups, names, rows, columns);
  }

  /** Fill one table; `texts` and `kinds` (class names) are in row order. */
  function fillTable({ cells, caption, table }, title, texts, kinds) {
    write(caption, title);
    table.setAttribute("aria-label", title);
    cells.forEach((cell, index) => {
      write(cell, texts[index]);
      const kind = kinds ? kinds[index] : "";
      if (cell.className !== kind) cell.className = kind;
    });
  }

  function emptyProducts(words) {
    shape = "";
    tables = [];
    one("#products").replaceChildren(el("p", { className: "faint" }, words));
    write(one("#place"), "");
  }

  const tapKey = ({ row, column, channel }) => `${row} ${column} ${channel}`;

  const pointText = ({ stage, row, column }) => `${stage}, row ${row}, column ${column}`;

  /** The three tables of a convolution; what practice hides is a question mark. */
  function showWindow(view, found, asked) {
    const { run } = view;
    const [height, width] = [run.rows.length, run.rows[0].length];
    const each = height * width;
    const groups = found.taps.length / each;
    if (each > MOST_IN_TABLE) {
      emptyProducts(`${found.taps.length} products: too many for a table.`);
      return;
    }
    ensureTables(
      `filter ${groups} ${height} ${width}`,
      groups,
      ["window", "kernel", "products"],
      height,
      width,
    );
    const [down, across] = run.settings.dilation;
    const { top, left } = found.window;
    const place = `${spanText("row", top - run.axes[0].before, height, down)}, ${spanText("column", left - run.axes[1].before, width, across)}`;
    write(one("#place"), `Its window: ${place} of the image, counted from 0.`);
    for (let group = 0; group < groups; group++) {
      const taps = found.taps.filter((tap) => tap.channel === group);
      const channel =
        groups > 1
          ? ` · ${run.image.labels ? run.image.labels[group] : `channel ${group + 1}`}`
          : "";
      fillTable(
        tables[3 * group],
        `window${channel}`,
        cellTexts(taps.map((tap) => tap.value)),
        taps.map((tap) => (tap.kind === "padding" ? "padding" : "")),
      );
      fillTable(
        tables[3 * group + 1],
        "kernel",
        taps.map((tap) => weightText(view, tap)),
      );
      const products = cellTexts(taps.map((tap) => tap.product));
      fillTable(
        tables[3 * group + 2],
        "products",
        taps.map((tap, at) => (asked && !asked.told.has(tapKey(tap)) ? "?" : products[at])),
        taps.map((tap) => (asked && asked.told.has(tapKey(tap)) ? "told" : "")),
      );
    }
  }

  function showFilter(view, cell, found, asked) {
    showWindow(view, found, asked && cell.stage === "filter" ? asked : null);
    writeLines(featviz.filterLines(view, cell, found, asked));
  }

  function showPool(view, cell, found, asked) {
    const { run } = view;
    const { height, width } = found.window;
    const counted = found.taps.filter((tap) => tap.kind !== "padding");
    const few = counted.slice(0, MOST_IN_TABLE);
    const texts = cellTexts(few.map((tap) => tap.value));
    if (height * width > MOST_IN_TABLE)
      emptyProducts(`${counted.length} cells: too many for a table.`);
    else {
      ensureTables(`pool ${height} ${width}`, 1, ["window"], height, width);
      const { top, left } = found.window;
      const [before, aside] = run.poolAxes ? run.poolAxes.map((axis) => axis.before) : [0, 0];
      const place = `${spanText("row", top - before, height)}, ${spanText("column", left - aside, width)}`;
      write(one("#place"), `Its window: ${place} of detect, counted from 0.`);
      const written = new Map(few.map((tap, at) => [tap, texts[at]]));
      const kinds = found.taps.map((tap, index) =>
        tap.kind === "padding" ? "padding" : !asked && index === found.winner ? "won" : "",
      );
      fillTable(
        tables[0],
        "window",
        found.taps.map((tap) => (tap.kind === "padding" ? "·" : written.get(tap))),
        kinds,
      );
    }
    writeLines([featviz.poolLine(view, found, counted, asked)]);
  }

  function writeLines(lines) {
    const host = one("#sum-line");
    while (host.children.length > lines.length) host.lastChild.remove();
    while (host.children.length < lines.length) host.append(el("span"));
    lines.forEach((line, index) => write(host.children[index], line));
    const first = `${one("#arithmetic-title").textContent.split(": ").pop()}: `;
    write(one("#tapped"), first + lines.join("; "));
  }

  /** Keep the height that the sums have had, so that nothing moves while cells are played. */
  function holdHeight(hold) {
    const { style, offsetHeight } = hold ? one("#arithmetic") : { style: one("#arithmetic").style };
    style.minHeight = hold ? `${offsetHeight}px` : "";
  }

  /**
   * Show the arithmetic of a cell.
   * @param {object} view
   * @param {{stage: string, row: number, column: number}} cell
   * @param {object} found what featviz.explain says of it
   * @param {{told: Set}|null} asked the question of the practice, which hides the answer
   */
  function showArithmetic(view, cell, found, asked) {
    write(one("#arithmetic-title"), `How this cell comes about: ${pointText(cell)}`);
    if (cell.stage !== "condense") showFilter(view, cell, found, asked);
    else if (view.run.settings.pool === "none") {
      emptyProducts("There is no pool: the cell is that of detect.");
      writeLines([asked ? "= ?" : `= ${cellText(found.value, 6)}`]);
    } else showPool(view, cell, found, asked);
    drawCloseup(view, cell, found);
    if (narrow.matches) placeTapped(view.pixel ? "image" : cell.stage);
  }

  /** The sum stands under the row of the panel that is pointed at. */
  function placeTapped(stage) {
    const tops = featviz.STAGES.map((name) => featviz.panels[name].figure.offsetTop);
    const last = tops.lastIndexOf(tops[featviz.STAGES.indexOf(stage)]);
    const { figure } = featviz.panels[featviz.STAGES[last]];
    if (figure.nextSibling !== one("#tapped")) figure.after(one("#tapped"));
  }

  /** The window with what lies around it, each cell large enough to be seen. */
  function drawCloseup(view, cell, found) {
    const source = view.stages[cell.stage === "condense" ? "detect" : "image"];
    const { top, left, height, width } = found.window;
    const around = 2;
    const [tall, wide] = [height + 2 * around, width + 2 * around];
    const small = source.frame.across < 9 && Math.max(tall, wide) <= 48;
    one("#closeup").hidden = !small;
    if (!small) return;
    const side = Math.max(4, Math.min(22, Math.floor(190 / Math.max(tall, wide))));
    const canvas = one("#closeup canvas");
    canvas.style.width = `${wide * side}px`;
    canvas.style.height = `${tall * side}px`;
    const context = featviz.sharpContext(canvas, wide * side, tall * side);
    for (let y = 0; y < tall; y++) {
      for (let x = 0; x < wide; x++) {
        const colour = colourAt(source, top - around + y, left - around + x);
        if (!colour) continue;
        context.globalAlpha = colour.added ? 0.55 : 1;
        context.fillStyle = colour.css;
        context.fillRect(x * side, y * side, side, side);
      }
    }
    context.globalAlpha = 1;
    const plane = { top: 0, left: 0, height: tall, width: wide, tall, wide };
    const taps = found.taps.map((tap) => ({
      row: tap.row - top + around,
      column: tap.column - left + around,
    }));
    const steps = cell.stage === "condense" ? [1, 1] : view.run.settings.dilation;
    featviz.drawMarks(
      context,
      { plane, across: side, down: side, steps, low: 0.5 },
      { window: { top: around, left: around, height, width }, taps: taps.slice(0, height * width) },
    );
  }

  function colourAt({ plane, shown, map, colours }, row, column) {
    let [y, x] = [row - plane.top, column - plane.left];
    const added = y < 0 || x < 0 || y >= plane.height || x >= plane.width;
    const onPlane = row >= 0 && column >= 0 && row < plane.tall && column < plane.wide;
    if (added && !(plane.rows && onPlane)) return null;
    if (added) [y, x] = [plane.rows[row], plane.columns[column]];
    const at = y * plane.width + x;
    if (!shown || shown.length < 3) return { css: featviz.cssOf(map[at], colours), added };
    const [red, green, blue] = shown.map((channel) => Math.round(channel[at] * 255));
    return { css: `rgb(${red}, ${green}, ${blue})`, added };
  }

  Object.assign(featviz, { showArithmetic, holdHeight, pointText, tapKey });
})();
