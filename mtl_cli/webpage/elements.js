// Elements of the page, made without reading any text as HTML; and numbers as they are shown.

const DATA = JSON.parse(document.getElementById("data").textContent);
const DASH = "–";

/** An element with attributes ({onclick: function} too) and children, texts among them. */
function make(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes ?? {})) {
    if (typeof value === "function") element.addEventListener(key.slice(2), value);
    else if (value === true) element.setAttribute(key, "");
    else if (value !== false && value != null) element.setAttribute(key, value);
  }
  element.append(...children.flat().filter((child) => child != null));
  return element;
}

/** An element of a drawing. */
function shape(tag, attributes, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

/** A select of [value, words]. */
function choose(words, options, value, change) {
  const box = make("select", { onchange: (event) => change(event.target.value) });
  for (const [own, said] of options) box.append(make("option", { value: own }, said));
  box.value = value;
  return make("label", {}, words, box);
}

function number(value, digits = 4) {
  if (value == null) return DASH;
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e6)) return value.toExponential(2);
  if (Number.isInteger(value) && size >= 1000) return value.toLocaleString("en-US");
  return size >= 1e4 ? value.toPrecision(6) : value.toFixed(digits);
}

function signed(value) {
  return value == null ? DASH : (value >= 0 ? "+" : "-") + Math.abs(value).toFixed(2);
}

function whole(value) {
  return value == null ? DASH : value.toLocaleString("en-US");
}

/** Mean and deviation, as the other tables of a report have them. */
function plusMinus(mean, sd) {
  if (sd == null) return number(mean);
  const usual = Math.abs(mean) >= 1e-3 && (sd === 0 || sd >= 5e-5) && sd < 1e4;
  return `${number(mean)} ± ${usual ? sd.toFixed(4) : Number(sd.toPrecision(2))}`;
}

function spread(figure) {
  if (figure == null) return DASH;
  return plusMinus(figure[0], figure[1]);
}
