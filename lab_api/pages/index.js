// The front door: which stations have a board, each with the way to it.

import { Words, chooseLanguage, otherLanguage, put, writeWords } from "/assets/words.js";

const QUIET = 400; // ms before the page says that it is loading
const part = (id) => document.getElementById(id);

/** All published boards, page by page. Rejects where the lab does not answer with them. */
async function boards() {
  const found = [];
  let next = null;
  do {
    const query = next === null ? "" : `?cursor=${encodeURIComponent(next)}`;
    const answer = await fetch(`/api/v1/boards${query}`, { cache: "no-store" });
    if (!answer.ok) throw new Error(`boards expected, HTTP ${answer.status} found`);
    const page = await answer.json();
    found.push(...page.items);
    next = page.next;
  } while (next !== null);
  return found;
}

function lineOf({ station, name, demo }, words) {
  const line = document.createElement("li");
  const way = document.createElement("a");
  way.href = `/kiosk/${encodeURIComponent(station)}?lang=${words.language}`;
  way.append(text("name", name || station));
  if (demo) way.append(text("demo", words.say("demo")));
  way.append(text("go", words.say("list.open")));
  line.append(way);
  return line;
}

function text(name, content) {
  const made = document.createElement("span");
  made.className = name;
  made.textContent = content;
  return made;
}

async function show(words) {
  part("retry").hidden = true;
  const timer = setTimeout(() => put(part("said"), words.say("list.loading")), QUIET);
  try {
    const found = await boards();
    part("boards").replaceChildren(...found.map((board) => lineOf(board, words)));
    put(part("said"), found.length ? "" : words.say("list.empty"));
  } catch (error) {
    console.warn(String(error));
    put(part("said"), words.say("list.error"));
    part("retry").hidden = false;
  } finally {
    clearTimeout(timer);
  }
}

async function begin() {
  const asked = new URLSearchParams(window.location.search);
  const words = await Words.load(chooseLanguage(asked.get("lang"), navigator.language));
  writeWords(words);
  document.title = words.say("list.tab");
  const other = otherLanguage(words.language);
  part("language").lang = part("language").hreflang = other;
  part("language").href = `?lang=${other}`;
  part("retry").addEventListener("click", () => show(words));
  await show(words);
}

begin();
