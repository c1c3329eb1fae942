// Elements from data. Keys reach the page as text only: there is no innerHTML anywhere.

const SVG = "http://www.w3.org/2000/svg";

/** An element with attributes (functions are listeners) and children, which are elements or texts. */
export function make(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

/** The same, of a picture. */
export function draw(name, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, name), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

/** A button. */
export function button(text, click, attributes = {}) {
  return make("button", { type: "button", click, ...attributes }, text);
}

export const find = (id) => document.getElementById(id);

/** A key as people can see it: what does not show, or reorders, is written out. */
export function shown(key) {
  if (key === "") return "(empty)";
  return key.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cn}]|^ | $| {2,}/gu, (found) =>
    [...found].map((one) => (one === " " ? "␣" : `\\u{${one.codePointAt(0).toString(16)}}`)).join(""),
  );
}

export const number = (value) => value.toLocaleString("en-US");
