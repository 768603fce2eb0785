// What the screen knows of one station's day: rows keyed by result, counts, and how far in the
// feed it is. Everything may arrive twice or late; nothing is shown twice, nothing old wins.

export const MOST_ROWS = 200;

export class Board {
  constructor() {
    this.feed = null;
    this.n = 0; // every notice up to here is in it
    this.day = null;
    this.card = null;
    this.totals = null;
    this.entries = new Map(); // result → {n, revision, day, row}; row null once withdrawn
    this.beyond = new Set(); // notices above n + 1: something between is missing
    this.version = 0; // rises when the rows change
  }

  /** Take a snapshot; what a newer notice of the same feed already said stays. */
  load(snapshot) {
    const same = snapshot.feed === this.feed;
    if (same && snapshot.day < this.day) return;
    const newer = same ? this.#above(snapshot.n, snapshot.day) : [];
    this.entries = new Map(snapshot.rows.map((row) => [row.result, entryOf(row, snapshot.day)]));
    for (const [result, entry] of newer) this.entries.set(result, entry);
    const known = same ? [...this.beyond, ...range(snapshot.n + 1, this.n)] : [];
    this.beyond = new Set(known.filter((n) => n > snapshot.n));
    Object.assign(this, { feed: snapshot.feed, day: snapshot.day, card: snapshot.card });
    this.n = snapshot.n;
    this.totals = snapshot.totals;
    this.#advance();
    this.#changed();
  }

  /** Take a notice. True if its row is now news to a reader; false if it was known or is gone. */
  take(notice) {
    if (notice.feed !== this.feed || this.#has(notice.n)) return false;
    this.beyond.add(notice.n);
    this.#advance();
    const { row, deed, n, day } = notice;
    const before = this.entries.get(row.result);
    if (before && (before.n >= n || before.revision > row.revision)) return false;
    const shown = deed !== "withdrawn" && day === this.day;
    if (!shown && !before && day !== this.day) return false;
    this.entries.set(row.result, { n, revision: row.revision, day, row: shown ? row : null });
    this.#changed();
    return shown;
  }

  /** Take the day and the counts of a heartbeat or a board event; a new day starts empty. */
  keep({ day, totals, card }) {
    if (this.day !== null && day > this.day) {
      this.day = day;
      this.entries = new Map();
      this.#changed();
    }
    if (day !== this.day) return;
    this.totals = totals;
    this.card = card || this.card;
  }

  /** The rows as they are shown, the newest notice first. */
  rows() {
    if (this.sorted === undefined) {
      const shown = [...this.entries.values()].filter((entry) => entry.row !== null);
      this.sorted = shown.sort((one, other) => other.n - one.n).map((entry) => entry.row);
    }
    return this.sorted;
  }

  /** True if the station, or any row, is simulated. */
  get isDemo() {
    return Boolean(this.card?.demo) || this.rows().some((row) => row.demo);
  }

  #has(n) {
    return n <= this.n || this.beyond.has(n);
  }

  #advance() {
    while (this.beyond.delete(this.n + 1)) this.n += 1;
  }

  #above(n, day) {
    return [...this.entries].filter(([, entry]) => entry.n > n && entry.day === day);
  }

  #changed() {
    this.sorted = undefined;
    const rows = this.rows();
    for (const row of rows.splice(MOST_ROWS)) this.entries.delete(row.result);
    // A withdrawn row is remembered for as long as something older might still arrive.
    for (const [result, entry] of this.entries) {
      if (this.entries.size <= 2 * MOST_ROWS) break;
      if (entry.row === null) this.entries.delete(result);
    }
    this.version += 1;
  }
}

function entryOf(row, day) {
  const n = Number(/(\d+)$/.exec(row.notice)?.[1] ?? 0);
  return { n, revision: row.revision, day, row };
}

function range(first, last) {
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, place) => first + place);
}
