/** The texts of the client in the language of the reader: `t("key", {…})`, with plurals; dates and numbers of that language. */
import { computed, signal } from "@preact/signals";
import en from "./en.json";
import { fill, type Params, type Texts } from "./fill.js";
import type enMore from "./en.more.json";

type Key = keyof typeof en | keyof typeof enMore;
/** A key of the texts; one with plural forms, `key.one` and `key.other`, is named without the form. */
export type TextKey = Exclude<Key, `${string}.${"one" | "other"}`> | Plural<Key>;
type Plural<K> = K extends `${infer Base}.other` ? Base : never;

/** The languages there are texts of: the name of each, its texts of the list, and more, those of the parts that are
 * loaded later.
 */
export const LANGUAGES = {
  en: {
    name: "English",
    load: async (): Promise<Texts> => en,
    more: async (): Promise<Texts> => (await import("./en.more.json")).default,
  },
  "zh-CN": {
    name: "简体中文",
    load: async (): Promise<Texts> => (await import("./zh-CN.json")).default,
    more: async (): Promise<Texts> => (await import("./zh-CN.more.json")).default,
  },
} as const;
export type Language = keyof typeof LANGUAGES;

const current = signal<{ language: Language; texts: Texts }>({ language: "en", texts: en });
const plurals = computed(() => new Intl.PluralRules(current.value.language));

/** The language that is shown. */
export const language = computed(() => current.value.language);

/** The language as the browser's region writes it, as "en-GB", for dates and numbers. */
export const region = computed(() => navigator.languages.find((wish) => wish.startsWith(language.value)) ?? language.value);

/** The language among ours that fits the wishes best, in their order. */
export function bestLanguage(wishes: readonly string[]): Language {
  for (const wish of wishes) {
    if (/^zh\b/i.test(wish)) return "zh-CN";
    if (/^en\b/i.test(wish)) return "en";
  }
  return "en";
}

/** Show the texts of a language, once they are loaded. */
export async function setLanguage(next: Language): Promise<void> {
  const { load, more } = LANGUAGES[next];
  const [texts, others] = await Promise.all([load(), whole && more()]);
  current.value = { language: next, texts: { ...texts, ...others } };
}

let whole = false;

/** Load the texts of the parts that are loaded later, too; to be awaited before any of them is shown. */
export async function loadMoreTexts(): Promise<void> {
  if (whole) return;
  const { language: now, texts } = current.peek();
  const more = await LANGUAGES[now].more();
  whole = true;
  if (current.peek().language === now) current.value = { language: now, texts: { ...texts, ...more } };
  else await setLanguage(current.peek().language);
}

/** Return the text of a key, `{name}` replaced by the parameter; `count` chooses the plural form.
 *
 * A parameter that is a text stands in bidi isolates, so that a name in another script leaves the sentence in order.
 * Chinese has a space between Han and another script, and none within Han: "Bob 加入了群组", "小明加入了群组".
 */
export function t(key: TextKey, params: Params = {}): string {
  return fill(current.value.texts, key, params, plurals.value, number);
}

/** Return a number as the language writes it. */
export function number(value: number): string {
  return value.toLocaleString(region.value);
}
