/** A notification in words: its title and its text, as far as the user lets it tell; pure. */
import type { PushNotification } from "@chatd/client/push";
import { fill, type Params, type Texts } from "../locale/fill.js";
import type en from "../locale/en.push.json";

/** A key of the texts, without the plural form. */
type Key = keyof typeof en | "message" | "messages" | "joins";

/** The words of a language. */
export interface Words {
  readonly texts: Texts;
  /** As "en-GB": for plurals and numbers. */
  readonly language: string;
  /** The name of the installation, where nothing else may be told. */
  readonly site: string;
}

export interface Shown {
  readonly title: string;
  readonly body: string;
}

/** The words in place of a text (protocol.md, "What arrives"). */
const CONTENT: readonly Key[] = ["picture", "video", "voice", "file", "sticker", "card"];

/** Return what is shown of a notification. */
export function shownOf(notification: PushNotification, words: Words): Shown {
  const { kind, name = "", title = "", text = "", content = "", count = 1 } = notification;
  const plurals = new Intl.PluralRules(words.language);
  const t = (key: Key, params: Params = {}) =>
    fill(words.texts, key, params, plurals, (value) => value.toLocaleString(words.language));
  const word = CONTENT.find((one) => one === content.split(":", 1)[0]);
  const what = text || (word ? t(word) : "");
  const named = (key: "mention" | "reaction" | "friend") => (name ? t(key, { name }) : t(`${key}.nobody`));
  switch (kind) {
    case "message":
      return { title: title || name || words.site, body: messages() };
    case "mention":
    case "reaction":
      return { title: title || name || words.site, body: name && what ? t(`${kind}.text`, { name, text: what }) : named(kind) };
    case "friend":
      return { title: name || words.site, body: named(kind) };
    case "invite":
    case "offer":
    case "accepted":
      return { title: title || words.site, body: entering(kind) };
    case "join":
      return { title: title || words.site, body: count > 1 ? t("joins", { count }) : entering(kind) };
    default:
      return { title: words.site, body: t(kind === "test" ? kind : "news") };
  }

  function messages(): string {
    const last = title && name && what ? t("says", { name, text: what }) : what;
    if (count > 1) return [t("messages", { count }), last].filter(Boolean).join("\n");
    return last || (title && name ? t("from", { name }) : t("message", { count }));
  }

  function entering(key: "invite" | "offer" | "accepted" | "join"): string {
    if (!name) return t(`${key}.nobody`);
    return title ? t(key, { name, title }) : t(`${key}.sender`, { name });
  }
}
