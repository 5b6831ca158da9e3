// Puts the page together: the choice of a data set, the table, and the tabs with their charts.

const charts = document.getElementById("charts");
const picks = DATA.tables.map((table) => new Set(table.settings.map((own, g) => g).filter((g) => table.settings[g].first)));
let current = 0;
let opened = 0;
let panels = []; // {tab, panel, make, filled}
let refill = () => {};
let folded = []; // notes that are open on paper alone

function fillPanel(entry) {
  const table = DATA.tables[current];
  const keep = entry.panel.contains(document.activeElement) ? [...entry.panel.querySelectorAll("input, select, button")].indexOf(document.activeElement) : -1;
  entry.panel.replaceChildren(make("h2", {}, entry.name), ...entry.make(table, picks[current], () => fillPanel(entry)).filter(Boolean));
  for (const one of entry.panel.querySelectorAll("figure")) one.fill?.();
  if (keep >= 0) entry.panel.querySelectorAll("input, select, button")[keep]?.focus();
  entry.filled = true;
}

function open(i, focus) {
  opened = i;
  tip.hidden = true;
  panels.forEach((entry, n) => {
    entry.tab.setAttribute("aria-selected", String(n === i));
    entry.tab.tabIndex = n === i ? 0 : -1;
    entry.panel.hidden = n !== i;
  });
  if (!panels[i].filled) fillPanel(panels[i]);
  if (focus) panels[i].tab.focus();
}

/** What is picked, how wide the page is or how it looks has changed. */
function drawAgain() {
  for (const entry of panels) entry.filled = false;
  if (panels.length) fillPanel(panels[opened]);
}

function fillCharts(table) {
  const before = panels[opened]?.name;
  panels = PANELS.filter(([, there]) => there(table)).map(([name, , make_], i) => {
    const tab = make("button", { type: "button", role: "tab", id: `tab-${i}`, "aria-controls": `panel-${i}`, onclick: () => open(i) }, name);
    const panel = make("div", { role: "tabpanel", id: `panel-${i}`, "aria-labelledby": `tab-${i}`, tabindex: 0 });
    return { name, tab, panel, make: make_, filled: false };
  });
  const keys = { ArrowRight: 1, ArrowLeft: -1, Home: -Infinity, End: Infinity };
  const list = make("div", {
    role: "tablist", "aria-label": "Charts", onkeydown: (event) => {
      if (!(event.key in keys)) return;
      event.preventDefault();
      const to = opened + keys[event.key];
      open(Number.isFinite(to) ? (to + panels.length) % panels.length : to < 0 ? 0 : panels.length - 1, true);
    },
  }, panels.map((entry) => entry.tab));
  charts.replaceChildren(list, ...panels.map((entry) => entry.panel));
  open(Math.max(0, panels.findIndex((entry) => entry.name === before)));
}

function show(t) {
  current = t;
  const table = DATA.tables[t];
  refill = fillTable(document.getElementById("settings"), table, picks[t], drawAgain);
  fillCharts(table);
}

if (DATA.tables.length > 1) {
  const options = DATA.tables.map((table, t) => [String(t), `${table.name}, ${table.settings.length} settings`]);
  document.getElementById("choice").append(choose("data set", options, "0", (value) => show(Number(value))));
}
if (DATA.tables.length) show(0);

function restyle() {
  refill();
  drawAgain();
}

let width = window.innerWidth;
let timer = 0;
window.addEventListener("resize", () => {
  if (window.innerWidth === width || printing) return;
  width = window.innerWidth;
  clearTimeout(timer);
  timer = setTimeout(drawAgain, 150);
});
dark.addEventListener("change", restyle);
window.addEventListener("scroll", () => { tip.hidden = true; }, { passive: true });
window.addEventListener("keydown", (event) => { if (event.key === "Escape") tip.hidden = true; });
window.addEventListener("beforeprint", () => {
  printing = true;
  folded = [...document.querySelectorAll("details:not([open])")].filter((own) => own.closest(".notes"));
  for (const own of folded) own.open = true;
  refill();
  for (const entry of panels) {
    entry.panel.hidden = false;
    fillPanel(entry);
    window.report.printed += 1;
  }
});
window.addEventListener("afterprint", () => {
  printing = false;
  for (const own of folded) own.open = false;
  restyle();
  if (panels.length) open(opened);
});
document.documentElement.dataset.ready = "true";
window.report = { settled, printed: 0 }; // for those who drive the page
