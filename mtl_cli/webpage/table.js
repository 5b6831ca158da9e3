// The table of settings: sorted by a click on a column's name, filtered by words, and the place
// where the settings that charts draw are picked.

function columnsOf(table) {
  const gained = table.settings.some((own) => own.gain);
  const columns = [{ name: "setting", value: (own) => own.words, words: true }];
  columns.push({ name: "seeds", value: (own) => own.seeds.length, show: (own) => String(own.seeds.length) });
  if (gained) {
    columns.push({ name: "Gain [%]", value: (own) => own.gain?.total, show: (own) => signed(own.gain?.total), most: true });
    columns.push({ name: "interval", value: (own) => own.gain?.low, show: interval, most: true });
    columns.push({ name: "sharing", value: (own) => own.gain?.word, show: (own) => own.gain?.word ?? DASH, words: true });
  }
  columns.push({ name: "mean rank", value: (own) => own.rank, show: (own) => number(own.rank, 2) });
  table.columns.forEach(([task, metric, higher], i) => {
    const arrow = higher == null ? "" : higher ? " ↑" : " ↓";
    columns.push({ name: `${task}/${metric}${arrow}`, value: (own) => own.figures[i]?.[0], show: (own) => spread(own.figures[i]), most: higher === true });
  });
  columns.push({ name: "parameters", value: (own) => own.parameters, show: (own) => whole(own.parameters) });
  columns.push({ name: "train [s]", value: (own) => own.seconds, show: (own) => number(own.seconds, 1) });
  return columns;
}

function interval(own) {
  const gain = own.gain;
  return gain?.low == null ? DASH : `${signed(gain.low)} to ${signed(gain.high)}`;
}

/** Fills a section with the table; `picked` is a set of numbers of settings, `changed` is called. */
function fillTable(section, table, picked, changed) {
  const columns = columnsOf(table);
  let sorted = null;
  let up = true;
  const filter = make("input", { type: "search", placeholder: "words, as arch=mmoe helps", oninput: () => fill(), size: 26 });
  const words = [...new Set(table.settings.map((own) => own.gain?.word).filter(Boolean))];
  const verdict = choose("sharing", [["", "all"], ...words.map((word) => [word, word])], "", () => fill());
  const said = make("span", { class: "hint", role: "status" });
  const body = make("tbody", {});
  const heads = columns.map((column, i) => {
    const button = make("button", { type: "button", onclick: () => sortBy(i) }, column.name);
    return make("th", { scope: "col", class: i === 0 ? "name" : column.words ? null : "number", "aria-sort": "none" }, button);
  });

  function sortBy(i) {
    up = sorted === i ? !up : !columns[i].most;
    sorted = i;
    heads.forEach((head, n) => {
      head.setAttribute("aria-sort", n === i ? (up ? "ascending" : "descending") : "none");
      head.firstChild.textContent = columns[n].name + (n === i ? (up ? " ▲" : " ▼") : "");
    });
    fill();
  }

  function shown() {
    const parts = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    const wished = verdict.querySelector("select").value;
    const there = table.settings.map((own, g) => g).filter((g) => {
      const own = table.settings[g];
      const text = `${own.words} ${own.gain?.word ?? ""} ${own.is_baseline ? "baseline" : ""}`.toLowerCase();
      return parts.every((part) => text.includes(part)) && (!wished || own.gain?.word === wished);
    });
    if (sorted == null) return there;
    const value = (g) => columns[sorted].value(table.settings[g]);
    return there.sort((a, b) => {
      const [one, other] = [value(a), value(b)];
      if (one == null || other == null) return (one == null) - (other == null) || a - b;
      const order = typeof one === "string" ? one.localeCompare(other, "en", { numeric: true }) : one - other;
      return (up ? order : -order) || a - b;
    });
  }

  function row(g) {
    const own = table.settings[g];
    const box = make("input", { type: "checkbox", onchange: (event) => pick(g, event.target.checked) });
    box.checked = picked.has(g);
    const name = make("th", { scope: "row" }, make("label", {}, box, swatch(own.look), make("div", {}, make("span", {}, own.words), own.is_baseline ? make("small", { class: "count" }, " baseline") : null)));
    const cells = columns.slice(1).map((column) => make("td", { class: column.words ? null : "number" }, column.show(own)));
    return make("tr", {}, name, cells);
  }

  function pick(g, there) {
    if (there) picked.add(g);
    else picked.delete(g);
    changed();
    tell();
  }

  function pickAll(numbers) {
    picked.clear();
    numbers.forEach((g) => picked.add(g));
    changed();
    fill();
  }

  function tell(count = shown().length) {
    said.textContent = `${count} of ${table.settings.length} settings shown, ${picked.size} drawn`;
  }

  function fill() {
    const there = shown();
    body.replaceChildren(...there.map(row));
    tell(there.length);
  }

  const first = () => table.settings.map((own, g) => g).filter((g) => table.settings[g].first);
  const bar = make("div", { class: "bar" },
    make("label", {}, "filter", filter), words.length > 1 ? verdict : null,
    make("button", { type: "button", onclick: () => pickAll(shown().slice(0, MOST)) }, `draw the ${MOST} on top`),
    make("button", { type: "button", onclick: () => pickAll(first()) }, "as at first"), said);
  const grid = make("table", {}, make("thead", {}, make("tr", {}, heads)), body);
  const scroll = make("div", { class: "scroll", tabindex: 0, role: "region", "aria-labelledby": "settings-head" }, grid);
  const notes = [`Figures on ${table.where}, mean ± standard deviation over seeds. Ticked settings are drawn below.`];
  if (table.columns_left_out) notes.push(`${table.columns_left_out} more figures of each setting stand in report.csv.`);
  section.replaceChildren(make("h2", { id: "settings-head" }, "Settings"), make("p", { class: "hint" }, notes.join(" ")), bar, scroll);
  fill();
  return fill;
}
