// What the screen has heard from its lab: the board, the station's time, the last proof of
// life, and whether notices are missing. `now()` gives monotonic seconds.

import { Board } from "/assets/board.js";
import { freshness } from "/assets/freshness.js";
import { StationTime } from "/assets/station_time.js";

const NEWS = 60_000; // ms since its publication that a row may still be called new
const CATCH_UP = 2; // seconds for notices that are on their way, before they are fetched
const ASK_AGAIN = 10;

export class Heard {
  constructor(now) {
    this.now = now;
    this.board = new Board();
    this.time = new StationTime();
    this.proof = null;
    this.heardAt = null; // anything at all
    this.proofAt = null; // the last proof
    this.firstAt = null; // the first
    this.head = { feed: null, n: 0 }; // as the lab last told
    this.behindSince = null;
    this.askedAt = null;
  }

  /** Take a snapshot. */
  takeBoard(snapshot) {
    this.board.load(snapshot);
    this.time.useZone(snapshot.card?.time_zone);
    this.#believe(snapshot);
  }

  /** Take an event of the stream. Returns the row that it made news, or null. */
  takeEvent(name, value) {
    this.heardAt = this.now();
    if (name === "notice") return this.#takeNotice(value);
    if (name === "board" && value.rows?.length) this.takeBoard(value);
    else this.#believe(value);
    return null;
  }

  #takeNotice(notice) {
    const isShown = this.board.take(notice);
    this.#compare(notice);
    if (!isShown) return null;
    const age = this.time.ms(this.now()) - Date.parse(notice.row.published_at);
    return age < NEWS ? notice.row : null;
  }

  #believe(value) {
    this.heardAt = this.proofAt = this.now();
    this.firstAt ??= this.proofAt;
    this.proof = value.proof;
    this.time.set(value.as_of, this.proofAt);
    this.board.keep(value);
    this.#compare(value);
  }

  #compare({ feed, n }) {
    if (feed !== this.head.feed || n > this.head.n) this.head = { feed, n };
    const isBehind = this.head.feed !== this.board.feed || this.head.n > this.board.n;
    this.behindSince = isBehind ? (this.behindSince ?? this.now()) : null;
  }

  /** True now and then while notices are missing that should have come by themselves. */
  wantsSnapshot() {
    const now = this.now();
    if (this.behindSince === null || now - this.behindSince < CATCH_UP) return false;
    if (this.askedAt !== null && now - this.askedAt < ASK_AGAIN) return false;
    this.askedAt = now;
    return true;
  }

  /** How far all this can be believed now: `{state, age, cause}`. */
  freshness() {
    const { heardAt, proof, proofAt, firstAt, behindSince } = this;
    return freshness({ now: this.now(), heardAt, proof, proofAt, firstAt, behindSince });
  }
}
