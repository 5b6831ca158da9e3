// What a search tried: its trials as points, and in a table what each setting was tuned to.

const better = ([name, up]) => `${name} (${up ? "higher" : "lower"} is better)`;

function searchPanel(table) {
  return table.searches.flatMap((search) => {
    const looks_ = looksOf(search, table);
    const lines = [make("p", { class: "hint" }, `On val, in ${search.where}. Of each setting the first trial has nothing tuned; ${search.figures.length > 1 ? "its winner is the knee of the front, the trial of the least sum where each figure goes from 0, the best on the front, to 1" : "its winner is the best trial"}. Trials that were given up or failed have no figure, and no point.`)];
    lines.push(make("ul", { class: "legend" }, search.settings.map((own, i) => make("li", {}, swatch(looks_[i]), own.words))));
    const title = search.figures.length > 1 ? "Pareto front of the trials" : "Trials in their order";
    if (search.figures.length < 3) lines.push(make("div", { class: "grid wide" }, figure(title, `${title}, on val`, () => searchSpec(search, looks_), "The large mark is the winner; drag to move, Ctrl and the wheel to zoom.")));
    lines.push(rowsTable(["setting", "tuned to", ...search.figures.flatMap(([name, up]) => [`${name} ${up ? "↑" : "↓"}`, "untuned"]), "trials"], search.settings.map(winnerRow)));
    lines.push(make("details", {}, make("summary", {}, "all trials"), rowsTable(["setting", "trial", ...search.figures.map(([name]) => name), "end", "tuned to"], search.settings.flatMap(trialRows(search.figures.length)))));
    if (search.left_out) lines.push(nothing(`${search.left_out} more settings stand in ${search.where}/trials.csv.`));
    return lines;
  });
}

/** A setting looks as its winner in the other charts, where all are there; else by its place. */
function looksOf(search, table) {
  const found = search.settings.map((own) => table.settings[own.g]?.look);
  return found.every((own) => own != null) ? found : found.map((own, i) => i);
}

function winnerRow(own) {
  const winner = own.trials.find((trial) => trial.best === "winner");
  const untuned = own.trials.find((trial) => trial.trial === 0)?.values;
  const values = (winner?.values ?? []).flatMap((value, i) => [number(value), number(untuned?.[i])]);
  return [own.words, winner?.words.join(" ") || "nothing", ...values, own.counts];
}

const trialRows = (figures) => (own) => own.trials.map((trial) => {
  const values = Array.from({ length: figures }, (_, i) => number(trial.values?.[i]));
  return [own.words, String(trial.trial), ...values, [trial.status.replace("_", " "), trial.best].filter(Boolean).join(", "), trial.words.join(" ")];
});

function rowsTable(names, rows) {
  const heads = names.map((name) => make("th", { scope: "col" }, name));
  const body = rows.map(([first, ...rest]) => make("tr", {}, make("th", { scope: "row" }, first), rest.map((text) => make("td", {}, text))));
  return make("div", { class: "scroll", tabindex: 0 }, make("table", { class: "keys" }, make("thead", {}, make("tr", {}, heads)), make("tbody", {}, body)));
}

/** One figure by the trial, with the best so far as a line in steps; or one against the other. */
function searchSpec(search, looks_) {
  const one = search.figures.length === 1;
  const names = search.settings.map((own) => own.words);
  const own = looks(looks_, names);
  const points = search.settings.flatMap(({ words, trials }) => trials.filter((trial) => trial.values).map((trial) => ({
    s: words, x: one ? trial.trial : trial.values[0], y: trial.values[one ? 0 : 1], won: trial.best === "winner",
    tip: [["", words], ["trial", String(trial.trial)], ...search.figures.map(([name], i) => [name, number(trial.values[i])]), ...trial.words.map((word) => word.split(/=(.*)/s, 2))],
  })));
  const best = search.figures[0][1] ? Math.max : Math.min;
  const line = ({ words, trials, line: front }) => {
    if (!one) return front.map(([x, y], i) => ({ s: words, x, y, i }));
    let so_far = null;
    return trials.filter((trial) => trial.values).map((trial, i) => {
      so_far = best(so_far ?? trial.values[0], trial.values[0]);
      return { s: words, x: trial.trial, y: so_far, i };
    });
  };
  const scale = { zero: false, nice: false, padding: 12 };
  const x = { field: "x", type: "quantitative", title: one ? "trial" : better(search.figures[0]), scale, axis: { tickCount: 6, ...(one ? { tickMinStep: 1, grid: false } : {}) } };
  const y = { field: "y", type: "quantitative", title: better(search.figures.at(-1)), scale, axis: { tickCount: 5 } };
  const mark = { type: "point", filled: true, clip: true, tooltip: TIP };
  const seen = { x, y, color: own.color, shape: own.mark };
  return {
    height: 320,
    layer: [
      { data: { values: search.settings.flatMap(line) }, mark: { type: "line", strokeWidth: 1.5, clip: true, ...(one ? { interpolate: "step-after" } : {}) }, encoding: { x, y, color: own.color, strokeDash: own.dash, order: { field: "i" } } },
      { data: { values: points.filter((point) => !point.won) }, mark: { ...mark, size: 40, opacity: 0.65 }, encoding: seen },
      {
        data: { values: points.filter((point) => point.won) },
        params: [{ name: "zoom", select: { type: "interval", zoom: "wheel![event.ctrlKey || event.metaKey]" }, bind: "scales" }],
        mark: { ...mark, size: 150, opacity: 1, stroke: config().text.color, strokeWidth: 1 }, encoding: seen,
      },
    ],
  };
}
