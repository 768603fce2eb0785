// The station's clock: the lab's time carried on by the page's monotonic clock, in the
// station's zone. The computer that shows the page may be set wrong; its clock is not asked.

const FALLBACK_ZONE = "Asia/Shanghai";

export class StationTime {
  constructor() {
    this.zone = null;
    this.at = null;
    this.then = 0;
    this.#settle(FALLBACK_ZONE);
  }

  /** Take the lab's time (RFC 3339) as of the monotonic second `now`. */
  set(asOf, now) {
    const at = Date.parse(asOf);
    if (Number.isNaN(at)) return;
    this.at = at;
    this.then = now;
  }

  /** Show times in this zone from now on; a zone the browser does not know is left aside. */
  useZone(zone) {
    if (!zone || zone === this.zone) return;
    try {
      this.#settle(zone);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
    }
  }

  #settle(zone) {
    const clock = { timeZone: zone, hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
    this.minutes = new Intl.DateTimeFormat("en-GB", clock);
    this.seconds = new Intl.DateTimeFormat("en-GB", { ...clock, second: "2-digit" });
    this.zone = zone;
  }

  /** The station's time in ms since 1970, or null before the lab was ever heard. */
  ms(now) {
    return this.at === null ? null : this.at + (now - this.then) * 1000;
  }

  /** `07:18:42` at the monotonic second `now`. */
  clock(now) {
    const ms = this.ms(now);
    return ms === null ? "" : this.seconds.format(ms);
  }

  /** `07:18`, `age` seconds before `now`. */
  ago(now, age) {
    const ms = this.ms(now);
    return ms === null ? "" : this.minutes.format(ms - age * 1000);
  }

  /** `07:18` of an RFC 3339 time; null where there is none. */
  minute(text) {
    const ms = Date.parse(text || "");
    return Number.isNaN(ms) ? null : this.minutes.format(ms);
  }
}

/** An ISO day as a leaf shows it: `{number, month, weekday}` in a language. */
export function leafOf(day, language) {
  const date = new Date(`${day}T00:00:00Z`);
  if (Number.isNaN(date.getTime())) return { number: "", month: "", weekday: "" };
  const part = (options) =>
    new Intl.DateTimeFormat(language, { timeZone: "UTC", ...options }).format(date);
  return {
    number: String(date.getUTCDate()),
    month: part({ year: "numeric", month: "long" }),
    weekday: part({ weekday: "long" }),
  };
}
