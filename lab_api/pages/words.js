// What the page says: every word comes from /assets/locales/{language}.json.

export const LANGUAGES = ["zh-CN", "en"];

/** The language asked for in the address, else the browser's, else English. */
export function chooseLanguage(asked, preferred) {
  if (LANGUAGES.includes(asked)) return asked;
  return /^zh\b/i.test(preferred || "") ? "zh-CN" : "en";
}

/** The language that the toggle leads to. */
export function otherLanguage(language) {
  return LANGUAGES.find((one) => one !== language);
}

export class Words {
  constructor(language, entries) {
    this.language = language;
    this.entries = entries;
  }

  /** Fetch the words of a language. Rejects where they cannot be had. */
  static async load(language) {
    const answer = await fetch(`/assets/locales/${language}.json`);
    if (!answer.ok) throw new Error(`words expected, HTTP ${answer.status} found`);
    return new Words(language, await answer.json());
  }

  /** The words under a key, with `{name}` replaced by the value of that name. */
  say(key, values = {}) {
    const pattern = this.entries[key];
    if (pattern === undefined) throw new Error(`words for ${key} expected, none found`);
    return pattern.replace(/\{(\w+)\}/g, (_, name) => String(values[name]));
  }

  /** A length of time as people say it; seconds, cut to whole units. */
  age(seconds) {
    const whole = Math.max(1, Math.floor(seconds)); // nothing shown was proved at this very instant
    if (whole < 60) return this.say("age.seconds", { n: whole });
    const minutes = Math.floor(whole / 60);
    if (minutes < 60) return this.say("age.minutes", { n: minutes });
    return this.say("age.hours", { h: Math.floor(minutes / 60), m: minutes % 60 });
  }
}

/** Write the words of every element that names a key in `data-words`. */
export function writeWords(words, root = document) {
  document.documentElement.lang = words.language;
  for (const element of root.querySelectorAll("[data-words]")) {
    put(element, words.say(element.dataset.words));
  }
}

/** Write a text where it differs: an unchanged screen is not laid out again. */
export function put(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
