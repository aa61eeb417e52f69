/** The mention that is being typed: `@` and letters before the caret, and the members who fit. */
import { computed, signal } from "@preact/signals";
import { may } from "@chatd/client/conversations";
import { t } from "../locale/locale.js";
import { me } from "../shell/state.js";
import { userOf } from "../shell/users.js";
import type { ComposerModel } from "./composer_model.js";
import { mentionOf } from "./mentions.js";
import { Suggestions } from "./suggestions.js";

/** Members that are fetched: the first pages; of a larger group others are found by the beginning of their id. */
const MEMBERS_MAX = 200;
/** Candidates that are shown. */
const SHOWN = 8;
/** Members of a group in which a mention of everybody is counted (protocol.md, "Unread"). */
const EVERYBODY_MAX = 500;

const TYPED = /(?:^|[\s(（，。、])@([^\s@]{0,32})$/u;

export class MentionQuery extends Suggestions<string> {
  /** What stands between the `@` and the caret; null: no mention is typed. */
  readonly typed = signal<string | null>(null);
  readonly candidates = computed(() => (this.typed.value === null ? [] : this.#fitting(this.typed.value)));
  readonly #members = signal<readonly string[]>([]);
  readonly #asked = new Set<string>();

  constructor(private readonly model: ComposerModel) {
    super();
  }

  look(field: HTMLTextAreaElement): void {
    const { selectionStart, selectionEnd, value } = field;
    const summary = this.model.state.summary.peek();
    const match = summary.peer || selectionStart !== selectionEnd ? null : TYPED.exec(value.slice(0, selectionStart));
    const typed = match ? match[1]! : null;
    if (typed === this.typed.peek()) return;
    this.typed.value = typed;
    this.at.value = 0;
    if (typed !== null) void this.#fetch((summary.members ?? 0) > MEMBERS_MAX ? typed : "");
  }

  close(): void {
    this.typed.value = null;
  }

  /** Put the mention of a user in place of what was typed; `*` is everybody. */
  pick(user: string, field: HTMLTextAreaElement): void {
    const end = field.selectionStart;
    const start = end - (this.typed.peek()?.length ?? 0) - 1;
    field.setRangeText(`${mentionOf(user)} `, start, end, "end");
    this.model.mention(user);
    this.close();
    this.model.type(field.value);
    field.focus({ preventScroll: true });
  }

  #fitting(typed: string): string[] {
    const wanted = typed.toLocaleLowerCase();
    const fits = (user: string): boolean => {
      const { name, realName } = user === "*" ? { name: t("chat.everybody"), realName: "" } : userOf(user).value;
      const words = [name, realName].flatMap((one) => [one, ...one.split(/\s/)]).map((one) => one.toLocaleLowerCase());
      return [...words, user].some((word) => word.startsWith(wanted));
    };
    const summary = this.model.state.summary.value;
    const everybody = (summary.members ?? 0) <= EVERYBODY_MAX && may(summary, "mention_all") ? ["*"] : [];
    const users = this.#members.value.filter((user) => user !== me.value);
    return [...users, ...everybody].filter(fits).slice(0, SHOWN);
  }

  async #fetch(prefix: string): Promise<void> {
    if (this.#asked.has(prefix)) return;
    this.#asked.add(prefix);
    const found: string[] = [];
    try {
      for await (const { user } of this.model.state.room.members(prefix ? { prefix } : {})) {
        if (found.push(user) >= MEMBERS_MAX) break;
      }
    } catch {
      // Without a network nobody is offered; the next `@` asks again.
      this.#asked.delete(prefix);
    }
    this.#members.value = [...new Set([...this.#members.peek(), ...found])];
  }
}
