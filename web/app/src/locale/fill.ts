/** The texts of a language, filled with what they tell of; pure, so that the worker has it, too. */

export type Params = Readonly<Record<string, string | number>>;
export type Texts = Readonly<Record<string, string>>;

/** A parameter, and the spaces between it and Han characters. */
const PARAMETER = /(?:(?<=\p{Script=Han})( ))?\{(\w+)\}(?:( )(?=\p{Script=Han}))?/gu;

/** Return the text of a key, `{name}` replaced by the parameter (see `t` of locale.ts). */
export function fill(
  texts: Texts,
  key: string,
  params: Params,
  plurals: Intl.PluralRules,
  number: (value: number) => string,
): string {
  const { count } = params;
  const plural = typeof count === "number" ? texts[`${key}.${plurals.select(count)}`] : undefined;
  const pattern = plural ?? texts[`${key}.other`] ?? texts[key] ?? key;
  return pattern.replace(PARAMETER, (_, before = "", name: string, after = "") => {
    const value = params[name] ?? "";
    if (typeof value === "number") return before + number(value) + after;
    const [first, last] = [/^\p{Script=Han}/u, /\p{Script=Han}$/u].map((han) => han.test(value));
    return `${first ? "" : before}\u2068${value}\u2069${last ? "" : after}`;
  });
}
