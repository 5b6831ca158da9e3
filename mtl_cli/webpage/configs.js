// The configurations of settings: of two of them side by side, and as the commands that repeat each.

const differState = { one: null, other: null };

function differencesPanel(table, picked, again) {
  const every = DATA.tables.flatMap((own, t) => own.settings.map((setting, g) => [`${t}.${g}`, (DATA.tables.length > 1 ? `${own.name}: ` : "") + setting.words]));
  const known = every.map(([key]) => key);
  const own = inOrder(picked).map((g) => `${DATA.tables.indexOf(table)}.${g}`);
  if (!known.includes(differState.one)) differState.one = own[0] ?? known[0];
  if (!known.includes(differState.other)) differState.other = own[1] ?? known[1] ?? known[0];
  const config = (key) => {
    const [t, g] = key.split(".").map(Number);
    return { ...DATA.configs.common, ...DATA.configs.own[t][g] };
  };
  const [one, other] = [config(differState.one), config(differState.other)];
  const keys = [...new Set([...Object.keys(one), ...Object.keys(other)])];
  const different = keys.filter((key) => one[key] !== other[key]);
  const set = (side) => (value) => { differState[side] = value; again(); };
  const bar = make("div", { class: "bar" }, choose("one", every, differState.one, set("one")), choose("other", every, differState.other, set("other")));
  const rows = (list) => list.map((key) => make("tr", { class: one[key] !== other[key] ? "differs" : null }, make("th", { scope: "row" }, key), make("td", {}, one[key] ?? DASH), make("td", {}, other[key] ?? DASH)));
  const grid = (list) => make("div", { class: "scroll keys", tabindex: 0 }, make("table", {}, make("thead", {}, make("tr", {}, ["", "one", "other"].map((name) => make("th", { scope: "col" }, name)))), make("tbody", {}, rows(list))));
  const rest = make("details", { ontoggle: (event) => { if (event.target.open && event.target.children.length === 1) event.target.append(grid(keys)); } }, make("summary", {}, `all ${keys.length} keys`));
  return [bar, make("p", { class: "hint" }, `${different.length} of ${keys.length} keys differ; seed and name are left out.`), different.length ? grid(different) : null, rest];
}

function commandsPanel(table) {
  const parts = table.settings.map((own) => {
    const code = make("code", {}, own.command);
    const copy = make("button", { type: "button", class: "copy", onclick: () => copied(code, copy) }, "copy");
    const place = make("pre", { tabindex: 0 }, code);
    return make("div", {}, make("h3", {}, own.words), own.command ? place : nothing("its rows were held in Python: no command line has them"), own.command ? copy : null, make("p", { class: "hint" }, own.folders));
  });
  return [make("div", { class: "commands" }, parts)];
}

async function copied(code, button) {
  try {
    await navigator.clipboard.writeText(code.textContent);
    button.textContent = "copied";
  } catch {
    getSelection().selectAllChildren(code);
    button.textContent = "selected";
  }
  setTimeout(() => { button.textContent = "copy"; }, 2000);
}
