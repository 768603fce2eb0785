// Writes everything around the rows: the leaf with its date, freshness and counts, the head,
// the band of a delayed or stale screen, and the cover where there is nothing to show.

import { AGES } from "/assets/freshness.js";
import { leafOf } from "/assets/station_time.js";
import { put } from "/assets/words.js";

const part = (id) => document.getElementById(id);
const LONG_NAME = 12; // letters of a market's name that fit the large size

/** Write the market's name, the date and the marks of demonstration. */
export function writeStation(board, words) {
  const name = board.card?.name ?? "";
  put(part("market"), name);
  part("market").toggleAttribute("data-long", name.length > LONG_NAME);
  put(part("cover-market"), name);
  part("demo").hidden = !board.isDemo;
  part("cover-demo").hidden = !board.isDemo;
  const leaf = board.day ? leafOf(board.day, words.language) : { number: "", month: "", weekday: "" };
  for (const id of ["number", "month", "weekday"]) put(part(id), leaf[id]);
}

/** Write the day's counts; — where they are not known. `staleSince` is a time, or null. */
export function writeCounts(totals, words, staleSince) {
  const unknown = words.say("unknown");
  put(part("samples"), String(totals?.samples ?? unknown));
  put(part("passed"), String(totals?.passed ?? unknown));
  put(part("waiting"), String(totals?.waiting ?? unknown));
  part("waiting-line").hidden = !totals?.waiting;
  const sentences = totals ? [words.say("count.tests", { n: totals.tests })] : [];
  if (totals?.invalid) sentences.push(words.say("count.invalid", { n: totals.invalid }));
  const then = staleSince && words.say("count.then", { time: staleSince });
  put(part("remark"), then || sentences.join(words.language === "en" ? " " : ""));
}

/** Write what an empty day says: why, and what comes next. */
export function writeEmpty(board, words) {
  const waiting = board.totals?.waiting;
  put(part("empty-title"), words.say("empty.title"));
  const next = waiting ? words.say("empty.waiting", { n: waiting }) : words.say("empty.next");
  put(part("empty-next"), next);
}

/** Write the state of freshness into the leaf and the band, as of the station's time `then`. */
export function writeFreshness({ state, age, cause }, words, then) {
  part("freshness-icon").setAttribute("href", `#${state}`);
  const [word, first, second] = chip({ state, age, cause }, words, then);
  put(part("freshness-word"), word);
  put(part("freshness-first"), first);
  put(part("freshness-second"), second);
  writeBand(state, age, words, then);
}

function chip({ state, age, cause }, words, then) {
  if (state === "live") {
    const checked = words.say("state.live.checked", { age: words.age(age) });
    return [words.say("state.live"), checked, words.say("state.live.parts")];
  }
  const unchecked = words.say("state.unchecked", { age: words.age(age) });
  return [words.say(`state.${state}`, { time: then }), unchecked, words.say(`cause.${cause}`)];
}

function writeBand(state, age, words, then) {
  const has = state === "delayed" || state === "stale";
  part("band").hidden = !has;
  if (!has) return;
  part("band-icon").setAttribute("href", `#${state}`);
  put(part("band-word"), words.say(`band.${state}`, { age: words.age(age), time: then }));
  put(part("band-means"), words.say(`band.${state}.means`, { time: then }));
}

/** Write the words that stand ready for a script that stops: true from `then` on. */
export function writeExpired(words, then) {
  put(part("expired-word"), words.say("state.stale", { time: then }));
  put(part("expired-means"), words.say("state.expired"));
  put(part("stopped"), words.say("band.stale", { time: then }));
}

/** Set the expiry of a live face back by a proof that is `age` seconds old. */
export function renewFace(age) {
  for (const animation of document.body.getAnimations()) {
    animation.currentTime = Math.min(age, AGES.stale) * 1000;
  }
}

/** Write the cover: offline, a station that is not known, or a page that was not opened. */
export function writeCover(state, words, { station, since, age }) {
  const said = coverWords(state, words, { station, since, age });
  put(part("cover-title"), said.title);
  put(part("cover-first"), said.first);
  put(part("cover-second"), said.second);
  put(part("cover-do"), state === "offline" ? words.say("offline.do") : "");
  const time = new Date().toTimeString().slice(0, 5);
  put(part("cover-small"), state === "offline" ? words.say("offline.clock", { time }) : "");
  part("cover-icon").toggleAttribute("hidden", state !== "offline");
  part("retry").hidden = state !== "refused";
  part("all-boards").hidden = state !== "missing";
}

function coverWords(state, words, { station, since, age }) {
  if (state === "offline") {
    const known = since ? { time: since, age: words.age(age) } : null;
    const first = known ? words.say("offline.since", known) : words.say("offline.never");
    return { title: words.say("offline.title"), first, second: words.say("offline.means") };
  }
  if (state === "missing") {
    const first = words.say("missing.means", { station });
    return { title: words.say("missing.title"), first, second: "" };
  }
  return { title: words.say("error.title"), first: words.say("error.means"), second: "" };
}
