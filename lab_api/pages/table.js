// The rows of results: one <tr> per result, made once and written where something differs.
// All are in the document; those of other pages are hidden.

import { MOST_ROWS } from "/assets/board.js";
import { put } from "/assets/words.js";

const FIELDS = ["time", "stall", "food", "origin", "item", "method", "value", "limit"];
const CELLS = [["time"], ["stall"], ["food", "origin"], ["item", "method"], ["value", "limit"]];
const FITTED = ["stall", "food", "origin", "item", "method", "value", "limit"];
const STEPS = ["fit-2", "fit-3", "fit-4"];
const VERDICTS = ["pass", "fail", "suspect", "invalid", "not_judged"];

export class Table {
  constructor(body, words, time) {
    Object.assign(this, { body, words, time });
    this.lines = new Map(); // result → {line, parts}
  }

  /** Make the table hold exactly these rows, in this order. */
  write(rows, stationIsDemo) {
    const wanted = new Set(rows.map((row) => row.result));
    for (const [result, { line }] of this.lines) {
      if (wanted.has(result)) continue;
      line.remove();
      this.lines.delete(result);
    }
    let place = this.body.firstElementChild;
    for (const row of rows) {
      const entry = this.#entry(row);
      if (entry.line === place) place = place.nextElementSibling;
      else this.body.insertBefore(entry.line, place);
      if (entry.row !== row) this.#fill(entry, row, stationIsDemo);
    }
  }

  /** Show the rows `from` to `to`, hide the others, and make the shown ones fit. */
  show(from, to) {
    const shown = [];
    let place = 0;
    for (const line of this.body.children) {
      line.hidden = place < from || place >= to;
      if (!line.hidden) shown.push(this.lines.get(line.dataset.result));
      place += 1;
    }
    fit(shown.flatMap(({ parts }) => FITTED.map((name) => parts[name])));
  }

  /** How many rows fit into `place`; all of them where the page scrolls instead. */
  room(place) {
    const style = getComputedStyle(this.body);
    if (style.getPropertyValue("--paged").trim() === "no") return MOST_ROWS;
    const head = this.body.previousElementSibling.offsetHeight;
    const row = parseFloat(style.getPropertyValue("--row")) * rem();
    return Math.max(1, Math.floor((place.clientHeight - head) / row));
  }

  /** Mark the rows that are news, and no others. */
  mark(isFresh) {
    for (const [result, { line }] of this.lines) line.classList.toggle("fresh", isFresh(result));
  }

  #entry(row) {
    let entry = this.lines.get(row.result);
    if (!entry) {
      entry = makeLine(row.result);
      this.lines.set(row.result, entry);
    }
    return entry;
  }

  #fill(entry, row, stationIsDemo) {
    const said = this.#said(row);
    for (const field of FIELDS) {
      put(entry.parts[field], said[field]);
      entry.parts[field].classList.toggle("unknown", said[field] === this.words.say("unknown"));
    }
    const verdict = VERDICTS.includes(row.verdict) ? row.verdict : "not_judged";
    entry.line.dataset.verdict = verdict;
    entry.line.dataset.notice = row.notice;
    entry.drawing.setAttribute("href", `#${verdict}`);
    entry.face.replaceChildren(...phrases(row.words?.[this.words.language] ?? this.words.say("unknown")));
    if (row.demo && !stationIsDemo) entry.parts.time.append(rowMark(this.words));
    entry.row = row;
  }

  /** What each field says: names where there are any, exact texts as they came, — for unknown. */
  #said(row) {
    const unknown = this.words.say("unknown");
    const names = row.names?.[this.words.language] ?? {};
    return {
      time: this.time.minute(row.effective_at) ?? unknown,
      stall: row.stall || unknown,
      food: names.food || row.food_name || unknown,
      origin: this.words.say("board.origin", { place: row.origin || unknown }),
      item: names.item || unknown,
      method: names.method || row.standard || "",
      value: names.value || row.value.as_reported || unknown,
      limit: names.limit || "",
    };
  }
}

function makeLine(result) {
  const line = element("tr", { role: "row" });
  line.dataset.result = result;
  const parts = {};
  for (const names of CELLS) {
    const cell = element("td", { role: "cell" });
    for (const name of names) {
      parts[name] = element("span", { class: name });
      cell.append(parts[name]);
    }
    line.append(cell);
  }
  const { cell, drawing, face } = makeVerdict();
  line.append(cell);
  return { line, parts, drawing, face, row: null };
}

function makeVerdict() {
  const svg = "http://www.w3.org/2000/svg";
  const icon = document.createElementNS(svg, "svg");
  icon.setAttribute("class", "icon");
  icon.setAttribute("aria-hidden", "true");
  const drawing = document.createElementNS(svg, "use");
  icon.append(drawing);
  const cell = element("td", { role: "cell" });
  const frame = element("div", { class: "verdict-face" });
  const face = element("div", {});
  frame.append(icon, face);
  cell.append(frame);
  return { cell, drawing, face };
}

/** Status words break at their 「·」 and nowhere else. */
function phrases(text) {
  const parts = text.split(/\s*·\s*/);
  return parts.flatMap((part, place) => {
    const line = element("b", {});
    line.textContent = part;
    return place === 0 ? [line] : [hiddenDot(), line];
  });
}

function hiddenDot() {
  const dot = element("i", { class: "dot" });
  dot.textContent = "·";
  return dot;
}

function rowMark(words) {
  const mark = element("span", { class: "row-demo" });
  mark.textContent = words.say("board.demo-row");
  return mark;
}

function element(name, attributes) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

function rem() {
  return parseFloat(getComputedStyle(document.documentElement).fontSize);
}

/** Write what is too long smaller, then on two lines. Reads all before it writes any. */
function fit(elements) {
  for (const element of elements) element.classList.remove(...STEPS);
  let long = elements;
  for (const step of STEPS) {
    long = long.filter((element) => element.scrollWidth > element.clientWidth + 1);
    for (const element of long) element.classList.add(step);
  }
}
