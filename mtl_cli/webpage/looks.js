// How settings and tasks look: a colour that all can tell apart, a dash and a mark, as in the
// pictures beside this page. P. Tol, "Colour Schemes", the scheme "bright"; lighter in the dark.

const COLORS = {
  light: ["#4477aa", "#ee6677", "#228833", "#b59b1a", "#2aa5c9", "#aa3377"],
  dark: ["#7aaee6", "#ff8a97", "#4fc465", "#e0cc55", "#7fdcff", "#e07ab4"],
};
const DASHES = [[], [8, 3], [3, 2], [8, 2, 2, 2]];
const MARKS = ["circle", "square", "diamond", "triangle-down", "triangle-up", "cross", "stroke", "triangle-right"];
const dark = window.matchMedia("(prefers-color-scheme: dark)");
let printing = false;

function theme() {
  return dark.matches && !printing ? "dark" : "light";
}

/** Colour, dash and mark of a number. */
function look(number) {
  const colors = COLORS[theme()];
  return {
    color: colors[number % colors.length],
    dash: DASHES[(number + Math.floor(number / 12)) % DASHES.length],
    mark: MARKS[number % MARKS.length],
  };
}

/** A short line with its mark, for legends. */
function swatch(number) {
  const own = look(number);
  const line = { x1: 0, x2: 34, y1: 7, y2: 7, stroke: own.color, "stroke-width": 2.5, "stroke-dasharray": own.dash.join(" ") };
  const picture = shape("svg", { width: 34, height: 14, "aria-hidden": "true" }, shape("line", line));
  picture.append(shape("path", { d: markPath(own.mark), fill: own.color, transform: "translate(17 7)" }));
  return picture;
}

/** The outline of a mark around 0, 0. */
function markPath(mark) {
  return {
    circle: "M-4,0a4,4 0 1,0 8,0a4,4 0 1,0 -8,0",
    square: "M-3.6,-3.6h7.2v7.2h-7.2z",
    diamond: "M0,-5L5,0L0,5L-5,0z",
    "triangle-down": "M-4.5,-3.5h9L0,4.5z",
    "triangle-up": "M-4.5,3.5h9L0,-4.5z",
    cross: "M-5,-1.5h3.5v-3.5h3v3.5h3.5v3h-3.5v3.5h-3v-3.5h-3.5z",
    stroke: "M-5,-1.3h10v2.6h-10z",
    "triangle-right": "M-3.5,-4.5v9L4.5,0z",
  }[mark];
}

/** What charts are drawn with, in the theme of the page. */
function config() {
  const style = getComputedStyle(document.documentElement);
  const [text, soft, line] = printing
    ? ["#000000", "#333333", "#bbbbbb"]
    : ["--text", "--soft", "--line"].map((name) => style.getPropertyValue(name).trim());
  const font = "system-ui, 'Segoe UI', Roboto, sans-serif";
  return {
    background: null,
    mark: { aria: false },
    font,
    view: { stroke: line },
    axis: { labelColor: soft, titleColor: text, gridColor: line, gridOpacity: 0.6, domainColor: line, tickColor: line, labelFontSize: 11, titleFontSize: 12, titleFontWeight: "normal", labelLimit: 170 },
    legend: { labelColor: soft, titleColor: text, titleFontWeight: "normal" },
    text: { color: text },
    rule: { color: text },
  };
}
