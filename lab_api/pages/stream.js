// How the page hears the lab: a snapshot, then one stream of events, for weeks.
//
// The browser reconnects a broken stream by itself and says what it had last. Where it gives up
// (an HTTP error), or where nothing at all comes though the stream seems open, it is opened anew
// and the snapshot is fetched again.

const SILENCE = 40; // seconds without any event; a heartbeat comes every 15
const PATIENCE = 10; // seconds for a snapshot
const FIRST_WAIT = 1; // seconds; doubles up to LONGEST_WAIT
const LONGEST_WAIT = 10;
const EVENTS = ["notice", "board", "heartbeat", "reset"];

export const Trouble = Object.freeze({
  MISSING: "missing", // the lab answers, and does not know the station
  REFUSED: "refused", // the lab answers with an error, or with something else than a board
  UNREACHED: "unreached", // nobody answers
});

export class Stream {
  /**
   * `onBoard(snapshot)`, `onEvent(name, value)` and `onTrouble(trouble)` are called as it comes;
   * `now()` gives monotonic seconds.
   */
  constructor(station, { now, onBoard, onEvent, onTrouble }) {
    this.address = `/api/v1/boards/${encodeURIComponent(station)}`;
    Object.assign(this, { now, onBoard, onEvent, onTrouble });
    this.source = null;
    this.heardAt = now();
    this.loading = false;
    this.wanted = false; // asked for again while one was on its way
    this.wait = FIRST_WAIT;
    this.nextLoadAt = null;
    this.nextOpenAt = null;
  }

  start() {
    this.load();
    this.#open();
  }

  /** Look after the connection; call it about once a second. */
  watch() {
    const now = this.now();
    if (this.nextLoadAt !== null && now >= this.nextLoadAt) this.load();
    if (this.nextOpenAt !== null && now >= this.nextOpenAt) this.#open();
    if (this.source && now - this.heardAt > SILENCE) this.#openAfter(0);
  }

  /** Fetch the snapshot now; after trouble it is tried again, ever more slowly. */
  async load() {
    this.wanted = true;
    if (this.loading) return;
    this.loading = true;
    this.nextLoadAt = null;
    try {
      while (this.wanted) {
        this.wanted = false;
        this.#settle(await this.#fetch());
      }
    } finally {
      this.loading = false;
    }
  }

  #settle({ snapshot, trouble }) {
    if (snapshot) {
      this.nextLoadAt = this.now() + LONGEST_WAIT; // stands where it cannot be taken
      this.onBoard(snapshot);
      this.nextLoadAt = null;
      this.wait = FIRST_WAIT;
      return;
    }
    this.nextLoadAt = this.now() + this.wait * (0.75 + Math.random() / 2);
    this.wait = Math.min(2 * this.wait, LONGEST_WAIT);
    this.onTrouble(trouble);
  }

  async #fetch() {
    const given = new AbortController();
    const timer = setTimeout(() => given.abort(), PATIENCE * 1000);
    try {
      const answer = await fetch(this.address, { cache: "no-store", signal: given.signal });
      if (answer.status === 404) return { trouble: Trouble.MISSING };
      const snapshot = answer.ok ? await answer.json() : null;
      return Array.isArray(snapshot?.rows) ? { snapshot } : { trouble: Trouble.REFUSED };
    } catch (error) {
      return { trouble: error instanceof SyntaxError ? Trouble.REFUSED : Trouble.UNREACHED };
    } finally {
      clearTimeout(timer);
    }
  }

  #open() {
    this.nextOpenAt = null;
    this.heardAt = this.now();
    this.source = new EventSource(`${this.address}/stream`);
    for (const name of EVENTS) {
      this.source.addEventListener(name, (event) => this.#hear(name, event.data));
    }
    this.source.addEventListener("error", () => {
      if (this.source?.readyState === EventSource.CLOSED) this.#openAfter(this.wait);
    });
  }

  #openAfter(seconds) {
    this.source?.close();
    this.source = null;
    this.nextOpenAt = this.now() + seconds;
    if (this.nextLoadAt === null) this.nextLoadAt = this.nextOpenAt;
  }

  #hear(name, text) {
    this.heardAt = this.now();
    if (name === "reset") {
      this.load();
      return;
    }
    let value;
    try {
      value = JSON.parse(text);
    } catch {
      this.load();
      return;
    }
    this.onEvent(name, value);
  }
}
