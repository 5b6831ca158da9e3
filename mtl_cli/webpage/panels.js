// What stands behind each tab. A panel is made for a table and the settings that are picked.

const MOST = 8; // settings that are drawn at first

const ALL = "all tasks";

function legend(table, numbers) {
  return make("ul", { class: "legend" }, numbers.map((g) => make("li", {}, swatch(table.settings[g].look), table.settings[g].words)));
}

function inOrder(picked) {
  return [...picked].sort((a, b) => a - b);
}

function nothing(words) {
  return make("p", { class: "hint" }, words);
}

function unpack(line, grids, s, number) {
  return { s, number, x: grids[line.x], y: line.y, sd: line.sd, end: line.end };
}

function gainPanel(table, picked) {
  const there = inOrder(picked).filter((g) => table.settings[g].gain);
  const all = there.map((g) => [g, gainRows(table.settings[g].gain)]);
  const ends = all.flatMap(([, rows]) => rows.flatMap((row) => [row.x, row.low, row.high])).filter((value) => value != null);
  const domain = [Math.min(0, ...ends), Math.max(0, ...ends)];
  const figures = all.map(([g, rows]) => {
    const own = table.settings[g];
    return figure(own.words, `Gain of ${own.words}`, () => gainSpec(rows, domain), `${own.gain.word}; over ${own.gain.pairs} seeds`);
  });
  const lines = [
    make("p", { class: "hint" }, `◆ all tasks together, with the interval of the verdict. ● a task, with its own ${DATA.confidence} interval: for this task alone, without correction for the others, and no verdict. Where there is no line, seeds are too few.`),
    table.tasks_left_out ? nothing(`${table.tasks_left_out} more tasks stand in report.csv.`) : null,
  ];
  return figures.length ? [...lines, make("div", { class: "grid" }, figures), gainTable(table, all)] : [nothing("Tick a setting that has a baseline.")];
}

function gainRows(gain) {
  const said = (low, high) => (low == null ? "none: too few seeds" : `${signed(low)} to ${signed(high)}`);
  const rows = gain.tasks.map(([task, x, low, high]) => ({ t: task, x, low, high, gain: signed(x), ends: said(low, high), all: false, tip: [["", task], ["Gain [%]", signed(x)], ["interval", said(low, high)]] }));
  if (gain.total != null) rows.unshift({ t: ALL, x: gain.total, low: gain.low, high: gain.high, gain: signed(gain.total), ends: said(gain.low, gain.high), all: true, tip: [["", ALL], ["Gain [%]", signed(gain.total)], ["interval", said(gain.low, gain.high)]] });
  return rows.filter((row) => row.x != null);
}

/** The same as numbers, for those who cannot see a chart. */
function gainTable(table, all) {
  const rows = all.flatMap(([g, own]) => own.map((row) => make("tr", {}, make("th", { scope: "row" }, table.settings[g].words), make("td", {}, row.t), make("td", { class: "number" }, row.gain), make("td", { class: "number" }, row.ends))));
  const heads = ["setting", "task", "Gain [%]", "interval"].map((name) => make("th", { scope: "col" }, name));
  return make("details", {}, make("summary", {}, "as numbers"), make("div", { class: "scroll", tabindex: 0 }, make("table", {}, make("thead", {}, make("tr", {}, heads)), make("tbody", {}, rows))));
}

const curveState = { task: "", split: "", log: false, from: "", to: "", metric: "" };

function curvesPanel(table, picked, again) {
  const { metrics, lines, grids, left_out } = table.curves;
  const tasks = [...new Set(metrics.map(([task]) => task))];
  const splits = ["val", "test", "train"].filter((split) => lines.some((line) => line.split === split));
  if (!tasks.includes(curveState.task)) curveState.task = "";
  if (!splits.includes(curveState.split)) curveState.split = splits[0];
  const set = (key) => (value) => { curveState[key] = value; again(); };
  const limit = (key, words) => {
    const box = make("input", { type: "number", min: 1, step: 1, onchange: (event) => set(key)(event.target.value) });
    box.value = curveState[key];
    return make("label", {}, words, box);
  };
  const log = make("input", { type: "checkbox", onchange: (event) => set("log")(event.target.checked) });
  log.checked = curveState.log;
  const bar = make("div", { class: "bar" },
    choose("task", [["", tasks.length > 4 ? "the first 4" : "all"], ...tasks.map((task) => [task, task])], curveState.task, set("task")),
    choose("split", splits.map((split) => [split, split]), curveState.split, set("split")),
    make("label", {}, log, "log scale"), limit("from", "epochs from"), limit("to", "to"),
    make("button", { type: "button", onclick: () => { curveState.from = curveState.to = ""; again(); } }, "whole"));
  const wanted = curveState.task ? [curveState.task] : tasks.slice(0, 4);
  const numbers = inOrder(picked);
  const figures = metrics.map(([task, metric, name], m) => {
    const own = lines.filter((line) => line.m === m && line.split === curveState.split && picked.has(line.g));
    if (!wanted.includes(task) || !own.length) return null;
    const shown = own.map((line) => unpack(line, grids, table.settings[line.g].words, table.settings[line.g].look));
    const options = { x: "epoch", y: name, log: curveState.log, from: Number(curveState.from) || 0, to: Number(curveState.to) || Infinity };
    return figure(`${task}: ${name} on ${curveState.split}`, `Learning curves of ${task}, ${name}, on ${curveState.split}`, () => linesSpec(shown, options));
  }).filter(Boolean);
  const notes = ["Lines are means over seeds, bands ± one standard deviation; faint where some seeds have stopped. Drag to move, Ctrl and the wheel to zoom, double click for the whole."];
  if (left_out) notes.push(`${left_out} more tasks have curves in metrics.csv of their runs.`);
  return [bar, legend(table, numbers), make("p", { class: "hint" }, notes.join(" ")), figures.length ? make("div", { class: "grid" }, figures) : nothing("No curve of what is ticked.")];
}

function frontPanel(table, picked) {
  const figures = table.fronts.map((pair) => figure(pair.names.map(([task]) => task).join(" against "), "Task against task", () => frontSpec(pair, table.settings, picked), pair.said));
  return [legend(table, inOrder(picked)), make("p", { class: "hint" }, "Large points are means, small ones seeds; grey ones are settings that are not ticked."), make("div", { class: "grid" }, figures)];
}

/** The charts of ticked settings; where none of them has any, of all that have. */
function ticked(charts, picked) {
  const own = charts.filter((chart) => picked.has(chart.g));
  return own.length ? own : charts;
}

function taskLegend(names) {
  return make("ul", { class: "legend" }, names.map((name, i) => make("li", {}, swatch(i), name)));
}

function weightsPanel(table, picked) {
  const { charts, grids } = table.weights;
  const names = [...new Set(charts.flatMap((chart) => chart.lines.map((line) => line.task)))];
  const figures = ticked(charts, picked).map((chart) => {
    const lines = chart.lines.map((line) => unpack(line, grids, line.task, names.indexOf(line.task)));
    const words = table.settings[chart.g].words;
    return figure(words, `Weights of the tasks' losses, ${words}`, () => linesSpec(lines, { x: "epoch", y: "weight", from: 0, to: Infinity, height: 190 }));
  });
  return [taskLegend(names), make("div", { class: "grid" }, figures)];
}

function conflictPanel(table, picked) {
  const { charts, grids } = table.conflict;
  const name = (pair) => pair.join(" · ");
  const figures = ticked(charts, picked).flatMap((chart) => {
    const words = table.settings[chart.g].words;
    const lines = chart.lines.map((line, i) => unpack(line, grids, name(line.pair), i));
    const options = { titles: ["layer", "pair of tasks"], scheme: "purpleorange", domain: [1, -1], what: "mean cosine" };
    const left = chart.left_out.some(Boolean) ? `${chart.left_out[0]} more layers and ${chart.left_out[1]} more pairs stand in diagnostics/conflict.csv.` : null;
    const over = lines.length ? figure(`${words}: over the steps`, "Cosine of gradients over the steps", () => linesSpec(lines, { x: "step", y: "cosine on all shared parameters", from: 0, to: Infinity, domain: [-1, 1] })) : null;
    const map = figure(`${words}: layer by layer`, "Mean cosine of gradients by layer", (width) => heatSpec(chart.cells, chart.layers, chart.pairs.map(name), { ...options, width }), left);
    over?.insertBefore(taskLegend(chart.lines.map((line) => name(line.pair))), over.children[1]);
    return [over, map].filter(Boolean);
  });
  return [make("p", { class: "hint" }, "The cosine of two tasks' gradients on what they share: below 0 they conflict. Means over the looks and the seeds."), make("div", { class: "grid" }, figures)];
}

function gatesPanel(table, picked) {
  const figures = ticked(table.gates, picked).map((chart) => {
    const words = table.settings[chart.g].words;
    const options = { titles: ["task", "expert"], scheme: "shares", domain: [0, 1], what: "share" };
    return figure(words, `Use of experts by each task, ${words}`, (width) => heatSpec(chart.cells, chart.tasks, chart.experts, { ...options, width }), chart.left_out ? `${chart.left_out} more tasks stand in diagnostics/gates.csv.` : null);
  });
  return [make("p", { class: "hint" }, "How much each task used each expert at the end, means over seeds."), make("div", { class: "grid" }, figures)];
}

function examplesPanel(table, picked) {
  const figures = ticked(table.examples, picked).map((chart) => {
    const words = table.settings[chart.g].words;
    const picture = make("img", { src: chart.data, alt: `Pictures of val, with labels and predictions of each task, ${words}`, width: chart.size[0], height: chart.size[1], loading: "lazy" });
    return make("figure", {}, make("h3", {}, words), picture, make("figcaption", {}, chart.run));
  });
  return [make("div", { class: "grid wide" }, figures)];
}

function confusionPanel(table, picked) {
  const figures = ticked(table.confusion, picked).map((chart) => {
    const cells = chart.counts.flatMap((row, r) => {
      const sum = row.reduce((total, count) => total + count, 0);
      return row.map((count, c) => [r, c, sum ? count / sum : null, count ? whole(count) : ""]);
    });
    const options = { titles: ["true class", "predicted class"], scheme: "shares", domain: [0, 1], what: "share of the true class" };
    const words = table.settings[chart.g].words;
    return figure(`${chart.task}: ${words}`, `Confusion of ${chart.task}, ${words}`, (width) => heatSpec(cells, chart.classes, chart.classes, { ...options, width }), `examples of test, ${chart.runs === 1 ? "one run" : `${chart.runs} seeds together`}`);
  });
  return [make("div", { class: "grid" }, figures)];
}

const PANELS = [
  ["Gain by task", (table) => table.settings.some((own) => own.gain), gainPanel],
  ["Search", (table) => table.searches.length, searchPanel],
  ["Learning curves", (table) => table.curves.lines.length, curvesPanel],
  ["Task against task", (table) => table.fronts.length, frontPanel],
  ["Weights", (table) => table.weights.charts.length, weightsPanel],
  ["Conflict", (table) => table.conflict.charts.length, conflictPanel],
  ["Gates", (table) => table.gates.length, gatesPanel],
  ["Examples", (table) => table.examples.length, examplesPanel],
  ["Confusion", (table) => table.confusion.length, confusionPanel],
  ["Differences", () => true, differencesPanel],
  ["Repeat", () => true, commandsPanel],
];
