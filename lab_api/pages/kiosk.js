// The public screen of one station. What the lab says goes into `heard`; what the screen shows
// is drawn from there, at most once a frame, and once a second for what only time changes.

import { Heard } from "/assets/heard.js";
import * as leaf from "/assets/leaf.js";
import { Pager, TURN } from "/assets/pager.js";
import { Stream, Trouble } from "/assets/stream.js";
import { Table } from "/assets/table.js";
import { Words, chooseLanguage, otherLanguage, put, writeWords } from "/assets/words.js";

const FRESH = 10; // seconds that a new row is marked
const QUIET = 400; // ms before the page says that it is loading
const part = (id) => document.getElementById(id);
const now = () => performance.now() / 1000;

class Kiosk {
  constructor(station, words, alternates) {
    Object.assign(this, { station, words, alternates });
    this.heard = new Heard(now);
    this.table = new Table(part("rows"), words, this.heard.time);
    this.pagers = { standard: new Pager(), far: new Pager() };
    this.fresh = new Map(); // result → until when it is marked
    this.trouble = null;
    this.state = "starting";
    this.drawn = {};
    this.stream = new Stream(station, {
      now,
      onBoard: (snapshot) => this.#hearBoard(snapshot),
      onEvent: (name, value) => this.#hearEvent(name, value),
      onTrouble: (trouble) => this.#hearTrouble(trouble),
    });
  }

  start() {
    this.stream.start();
    setInterval(() => this.#passSecond(), 1000);
    setTimeout(() => this.#sayLoading(), QUIET);
    window.addEventListener("resize", () => this.#drawSoon());
    part("retry").addEventListener("click", () => this.stream.load());
    part("code-image").addEventListener("load", () => (part("code").hidden = false));
  }

  #hearBoard(snapshot) {
    this.trouble = null;
    this.heard.takeBoard(snapshot);
    if (part("code").hidden) part("code-image").src = `${this.stream.address}/qr.svg`;
    this.#drawSoon();
  }

  #hearEvent(name, value) {
    const news = this.heard.takeEvent(name, value);
    if (news) {
      this.fresh.set(news.result, now() + FRESH);
      for (const pager of Object.values(this.pagers)) pager.newRow();
    }
    this.#drawSoon();
  }

  #hearTrouble(trouble) {
    this.trouble = trouble;
    this.#drawSoon();
  }

  #passSecond() {
    this.stream.watch();
    if (this.heard.wantsSnapshot()) this.stream.load();
    this.#drawSoon();
  }

  #sayLoading() {
    if (this.state === "starting") put(part("cover-title"), this.words.say("loading"));
  }

  #drawSoon() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      this.#draw();
    });
  }

  #draw() {
    const fresh = this.heard.freshness();
    const state = this.#face(fresh.state);
    const changed = state !== this.state;
    if (changed) document.body.dataset.state = this.state = state;
    if (state === "starting") return;
    this.#drawWords(state, fresh);
    this.#drawRows(state);
    // Last, so that a page that cannot draw any more expires like one whose script has stopped.
    if (changed || this.drawn.proofAt !== this.heard.proofAt) leaf.renewFace(fresh.age ?? 0);
    this.drawn.proofAt = this.heard.proofAt;
  }

  /** What the page shows as a whole: freshness, unless there is no board to be fresh. */
  #face(state) {
    if (this.trouble === Trouble.MISSING) return "missing";
    if (this.heard.board.feed !== null) return state;
    if (this.trouble === Trouble.REFUSED) return "refused";
    return this.trouble === Trouble.UNREACHED ? "offline" : "starting";
  }

  #drawWords(state, fresh) {
    const { words, heard } = this;
    const then = heard.time.ago(now(), fresh.age ?? 0);
    leaf.writeStation(heard.board, words);
    if (state === "offline" || state === "missing" || state === "refused") {
      const since = heard.board.feed === null ? null : then;
      leaf.writeCover(state, words, { station: this.station, since, age: fresh.age });
      return;
    }
    leaf.writeFreshness(fresh, words, then);
    leaf.writeExpired(words, then);
    const second = Math.floor(now());
    if (second === this.drawn.second) return;
    this.drawn.second = second;
    leaf.writeCounts(heard.board.totals, words, state === "stale" ? then : null);
    put(part("clock"), heard.time.clock(now()));
  }

  #drawRows(state) {
    const { board } = this.heard;
    const rows = state === "offline" || state === "missing" ? [] : board.rows();
    const changed = this.drawn.rows !== rows;
    if (changed) this.table.write(rows, Boolean(board.card?.demo));
    this.drawn.rows = rows;
    part("empty").hidden = rows.length > 0;
    if (rows.length === 0) leaf.writeEmpty(board, this.words);
    this.#drawPage(rows.length, changed);
    for (const [result, until] of this.fresh) if (until <= now()) this.fresh.delete(result);
    this.table.mark((result) => this.fresh.has(result));
  }

  #drawPage(count, changed) {
    const far = this.alternates && Math.floor(now() / TURN) % 2 === 0;
    document.body.classList.toggle("far", far);
    const room = this.table.room(part("results"));
    const pages = Math.max(1, Math.ceil(count / room));
    const page = this.pagers[far ? "far" : "standard"].at(now(), pages);
    const layout = [page, room, far, this.state, window.innerWidth].join(" ");
    if (!changed && layout === this.drawn.layout) return;
    this.table.show(page * room, (page + 1) * room);
    put(part("page"), pages > 1 ? this.words.say("board.page", { page: page + 1, pages }) : "");
    const turn = `${page} ${far}`;
    if (this.drawn.turn !== undefined && this.drawn.turn !== turn) fadeIn(part("rows"));
    Object.assign(this.drawn, { layout, turn });
  }
}

function fadeIn(element) {
  if (window.matchMedia("(prefers-reduced-motion: reduce)").matches) return;
  element.animate([{ opacity: 0 }, { opacity: 1 }], 200);
}

/** The words, however long they take: a screen without words shows nothing at all. */
async function patientWords(language) {
  for (;;) {
    try {
      return await Words.load(language);
    } catch (error) {
      console.warn(String(error));
      await new Promise((resolve) => setTimeout(resolve, 3000));
    }
  }
}

function offerLanguage(language, asked) {
  const address = new URLSearchParams(asked);
  address.set("lang", otherLanguage(language));
  const link = part("language");
  link.lang = link.hreflang = otherLanguage(language);
  link.href = `?${address}`;
}

async function begin() {
  const asked = new URLSearchParams(window.location.search);
  const station = decodeURIComponent(window.location.pathname.split("/").filter(Boolean).pop());
  const language = chooseLanguage(asked.get("lang"), navigator.language);
  const words = await patientWords(language);
  writeWords(words);
  document.title = words.say("board.tab");
  offerLanguage(language, asked);
  new Kiosk(station, words, asked.get("far") === "1").start();
}

begin();
