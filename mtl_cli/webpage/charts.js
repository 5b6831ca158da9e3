// Charts as Vega-Lite says them. What a run named is a value there: never the name of a field, nor
// part of an expression, into which Vega-Lite puts titles where marks have descriptions.

const tip = document.getElementById("tip");

const TIP = { content: "data" }; // of a mark: its row of the data has what is said of it

/** Shows what a mark says beside the pointer: `tip` of its row, [[what, value]], as text. */
function showTip(handler, event, item, value) {
  if (!value?.tip) {
    tip.hidden = true;
    return;
  }
  tip.replaceChildren(...value.tip.map(([key, said]) => make("div", {}, make("span", {}, key), make("span", {}, said))));
  tip.hidden = false;
  const { width, height } = tip.getBoundingClientRect();
  const x = Math.min(event.clientX + 14, window.innerWidth - width - 8);
  const above = event.clientY + 14 + height > window.innerHeight;
  tip.style.left = `${Math.max(4, x)}px`;
  tip.style.top = `${above ? event.clientY - height - 10 : event.clientY + 14}px`;
}

/** Draws into a figure that is on the page: the spec is made for the width that is there. */
async function draw(place, makeSpec, words) {
  const width = Math.max(220, place.clientWidth);
  const spec = { autosize: { type: "fit-x", contains: "padding" }, width, description: words, ...makeSpec(width) };
  const options = {
    mode: "vega-lite", renderer: "svg", hover: true, tooltip: showTip, config: config(), logLevel: 1,
    actions: { export: true, source: false, compiled: false, editor: false }, downloadFileName: "chart",
  };
  const element = make("div", {});
  place.replaceChildren(element);
  drawn.get(place)?.finalize();
  const work = vegaEmbed(element, spec, options);
  pending.add(work);
  try {
    drawn.set(place, await work);
  } finally {
    pending.delete(work);
  }
}

const drawn = new WeakMap(); // what frees each chart
const pending = new Set(); // charts that are being drawn

/** When all charts are there. */
async function settled() {
  while (pending.size) await Promise.allSettled([...pending]);
  await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
}

/** A figure with a heading; it is drawn when `fill` is called, after it is on the page. */
function figure(title, words, makeSpec, caption) {
  const place = make("div", { class: "chart" });
  const element = make("figure", {}, make("h3", {}, title), place, caption ? make("figcaption", {}, caption) : null);
  element.fill = () => draw(place, makeSpec, words);
  return element;
}

/** Scales that give each of some settings its look. */
function looks(numbers, names) {
  const own = numbers.map(look);
  return {
    color: { field: "s", type: "nominal", scale: { domain: names, range: own.map((one) => one.color) }, legend: null },
    dash: { field: "s", type: "nominal", scale: { domain: names, range: own.map((one) => one.dash) }, legend: null },
    mark: { field: "s", type: "nominal", scale: { domain: names, range: own.map((one) => one.mark) }, legend: null },
  };
}

/** Lines over epochs or steps with their bands.
 *
 * lines: [{s: name, number, x: [], y: [], sd: [] or none, end: the last that all seeds have}]
 */
function linesSpec(lines, { x, y, log, from, to, height = 230, domain }) {
  const rows = [];
  const least = Math.min(...lines.flatMap((line) => line.y.filter((value) => value > 0)));
  for (const line of lines) {
    line.x.forEach((at, i) => {
      const mean = line.y[i];
      if (mean == null || at < from || at > to || (log && mean <= 0)) return;
      const sd = line.sd?.[i] ?? 0;
      const late = line.end != null && at > line.end;
      const own = { s: line.s, x: at, y: mean, late, tip: [["", line.s], [x, String(at)], [y, plusMinus(mean, line.sd ? sd : null)]] };
      if (line.sd && !late) {
        own.low = log ? Math.max(mean - sd, Math.min(mean, least / 2)) : mean - sd;
        own.high = mean + sd;
      }
      rows.push(own);
      if (line.end === at) rows.push({ ...own, low: null, high: null, late: true });
    });
  }
  const names = lines.map((line) => line.s);
  const own = looks(lines.map((line) => line.number), names);
  const scale = { ...(log ? { type: "log" } : { type: "linear", zero: false }), nice: !domain, ...(domain ? { domain } : {}) };
  const xs = { field: "x", type: "quantitative", title: x, scale: { zero: false, nice: false }, axis: { tickMinStep: 1, format: "~s", grid: false } };
  const ys = { field: "y", type: "quantitative", title: y, scale, axis: { tickCount: 5, ...(log ? { format: "~g" } : {}) } };
  const alone = new Set(names.filter((name) => rows.filter((row) => row.s === name).length === 1));
  const layers = [];
  if (rows.some((row) => row.low != null)) {
    layers.push({
      transform: [{ filter: "isValid(datum.low)" }],
      mark: { type: "area", opacity: lines.length > 3 ? 0.1 : 0.18, clip: true },
      encoding: { x: xs, y: { ...ys, field: "low" }, y2: { field: "high" }, color: own.color },
    });
  }
  layers.push({
    mark: { type: "line", strokeWidth: 2, clip: true },
    encoding: { x: xs, y: ys, color: own.color, strokeDash: own.dash, detail: { field: "late" }, opacity: { condition: { test: "datum.late", value: 0.35 }, value: 1 } },
  });
  for (const row of rows) row.alone = alone.has(row.s);
  layers.push({
    params: [
      { name: "near", select: { type: "point", nearest: true, on: "pointermove", clear: "pointerout" } },
      { name: "zoom", select: { type: "interval", zoom: "wheel![event.ctrlKey || event.metaKey]" }, bind: "scales" },
    ],
    mark: { type: "point", filled: true, size: 55, clip: true, tooltip: TIP },
    encoding: {
      x: xs, y: ys, color: own.color, shape: own.mark,
      opacity: { condition: [{ param: "near", empty: false, value: 1 }, { test: "datum.alone", value: 1 }], value: 0 },
    },
  });
  return { height, data: { values: rows }, layer: layers };
}

/** Gain of a setting: all tasks together, then each of them, with intervals. */
function gainSpec(rows, domain) {
  const base = { y: { field: "t", type: "nominal", sort: null, title: null, axis: { labelLimit: 150 } } };
  const x = { field: "x", type: "quantitative", title: "Gain [%], positive: sharing helps", scale: { domain, nice: true }, axis: { tickCount: 5 } };
  return {
    height: 24 * rows.length,
    data: { values: rows },
    layer: [
      { data: { values: [{ x: 0 }] }, mark: { type: "rule", strokeWidth: 1 }, encoding: { x: { field: "x", type: "quantitative" } } },
      { transform: [{ filter: "isValid(datum.low)" }], mark: { type: "rule" }, encoding: { ...base, x: { ...x, field: "low" }, x2: { field: "high" }, strokeWidth: { condition: { test: "datum.all", value: 3 }, value: 1.5 } } },
      { transform: [{ filter: "isValid(datum.low)" }], mark: { type: "tick", thickness: 1.5, size: 9 }, encoding: { ...base, x: { ...x, field: "low" }, color: { value: config().text.color } } },
      { transform: [{ filter: "isValid(datum.high)" }], mark: { type: "tick", thickness: 1.5, size: 9 }, encoding: { ...base, x: { ...x, field: "high" }, color: { value: config().text.color } } },
      {
        mark: { type: "point", filled: true, opacity: 1, tooltip: TIP },
        encoding: {
          ...base, x, color: { value: config().text.color },
          shape: { condition: { test: "datum.all", value: "diamond" }, value: "circle" },
          size: { condition: { test: "datum.all", value: 130 }, value: 60 },
        },
      },
    ],
  };
}

/** Task against task: large points are means, small ones seeds, the line is the front. */
function frontSpec(pair, settings, picked) {
  const points = pair.points.map((point) => ({ ...point, s: settings[point.g].words, known: picked.has(point.g) }));
  const known = points.filter((point) => point.known);
  const others = points.filter((point) => !point.known);
  const own = looks(known.map((point) => settings[point.g].look), known.map((point) => point.s));
  const titles = pair.names.map(([task, metric], i) => `${task}: ${metric} (${pair.higher[i] ? "higher" : "lower"} is better)`);
  const axis = { tickCount: 5 };
  const x = { field: "x", type: "quantitative", title: titles[0], scale: { zero: false, nice: false, padding: 12 }, axis };
  const y = { field: "y", type: "quantitative", title: titles[1], scale: { zero: false, nice: false, padding: 12 }, axis };
  const front = (g) => (pair.best.includes(g) ? "on the front" : "not on the front");
  const names = pair.names.map((name) => name.join("/"));
  const at = (list) => list.map((point) => ({ s: point.s, x: point.at[0], y: point.at[1], tip: [["", point.s], [names[0], number(point.at[0])], [names[1], number(point.at[1])], ["Pareto", front(point.g)]] }));
  const soft = config().axis.labelColor;
  return {
    height: 300,
    layer: [
      { data: { values: pair.line.map(([a, b], i) => ({ x: a, y: b, i })) }, mark: { type: "line", strokeWidth: 1.5, color: soft, clip: true }, encoding: { x, y, order: { field: "i" } } },
      { data: { values: known.flatMap((point) => point.seeds.map(([a, b]) => ({ s: point.s, x: a, y: b }))) }, mark: { type: "point", filled: true, size: 24, opacity: 0.75, clip: true }, encoding: { x, y, color: own.color, shape: own.mark } },
      { data: { values: at(others) }, mark: { type: "point", filled: true, size: 30, color: soft, opacity: 0.6, clip: true, tooltip: TIP }, encoding: { x, y } },
      {
        data: { values: at(known) },
        params: [{ name: "zoom", select: { type: "interval", zoom: "wheel![event.ctrlKey || event.metaKey]" }, bind: "scales" }],
        mark: { type: "point", filled: true, size: 130, opacity: 1, stroke: config().text.color, strokeWidth: 0.8, clip: true, tooltip: TIP },
        encoding: { x, y, color: own.color, shape: own.mark },
      },
    ],
  };
}

const SHARES = ["#f3f8fd", "#9ecae1", "#4292c6", "#08519c"]; // from none to all

/** Cells [row, column, value] as colours, with their numbers where these can be read. */
function heatSpec(cells, rows, columns, { titles, scheme, domain, what, width }) {
  const values = cells.map(([r, c, value, said]) => ({ r: `${r} ${rows[r]}`, c: `${c} ${columns[c]}`, value, said: said ?? number(value, 2), tip: [[titles[0], rows[r]], [titles[1], columns[c]], [what, number(value, 3)], ...(said ? [["number", said]] : [])] }));
  const named = Math.min(130, 7 * Math.max(...rows.map((name) => name.length)));
  const room = (width - named - 45) / columns.length;
  const label = { labelExpr: "slice(datum.label, indexof(datum.label, ' ') + 1)", labelLimit: 130 };
  const x = { field: "c", type: "nominal", sort: null, title: titles[1], scale: { domain: columns.map((name, i) => `${i} ${name}`), paddingInner: 0.03, paddingOuter: 0 }, axis: { ...label, labelAngle: 7 * Math.max(...columns.map((name) => name.length)) > room ? -60 : 0, orient: "bottom" } };
  const y = { field: "r", type: "nominal", sort: null, title: titles[0], scale: { domain: rows.map((name, i) => `${i} ${name}`), paddingInner: 0.03, paddingOuter: 0 }, axis: label };
  const long = Math.max(...values.map((value) => value.said.length));
  const strong = scheme === "shares" ? "datum.value > 0.55" : "abs(datum.value) > 0.6";
  const layers = [{
    mark: { type: "rect", tooltip: TIP },
    encoding: { x, y, color: { field: "value", type: "quantitative", title: what, scale: { domain, ...(scheme === "shares" ? { range: SHARES } : { scheme }) }, legend: { orient: "top", gradientLength: 160, tickCount: 2 } } },
  }];
  if (7 * long + 4 <= room) {
    layers.push({ mark: { type: "text", fontSize: 11 }, encoding: { x, y, text: { field: "said" }, color: { condition: { test: strong, value: "#ffffff" }, value: "#111111" } } });
  }
  return { height: 24 * rows.length, data: { values }, layer: layers };
}
