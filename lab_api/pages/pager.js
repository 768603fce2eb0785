// Which page of rows the screen shows: whole pages, turned every 15 seconds. Pure.
//
// While results keep coming, the newest page is shown at every other turn, and an older page
// gives way to a new result after 5 seconds; so a new result is never hidden for longer, and
// every older page still gets its turn.

export const TURN = 15; // seconds
export const GIVE_WAY = 5;

export class Pager {
  constructor() {
    this.page = 0;
    this.next = 1; // the page whose turn it is after the first
    this.since = null;
    this.news = false; // a row came that the first page has and nobody saw yet
  }

  /** A new row came. */
  newRow() {
    if (this.page > 0) this.news = true;
  }

  /** The page to show at the monotonic second `now` when there are `pages` of them. */
  at(now, pages) {
    this.since ??= now;
    const shown = now - this.since;
    if (this.page >= pages) this.#turn(now, 0);
    else if (this.news && shown >= GIVE_WAY) this.#turn(now, 0);
    else if (shown >= TURN) this.#turn(now, this.#following(pages));
    return this.page;
  }

  #following(pages) {
    if (this.page > 0) return this.page + 1 < pages ? this.page + 1 : 0;
    const next = this.next < pages ? this.next : Math.min(1, pages - 1);
    return next;
  }

  #turn(now, page) {
    if (page === 0) {
      this.next = this.news ? this.page + 1 : 1;
      this.news = false;
    }
    this.page = page;
    this.since = now;
  }
}
