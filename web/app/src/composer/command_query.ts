/** The command that is being typed in the chat with a bot: `/` at the beginning, and the commands that fit. */
import { computed, signal } from "@preact/signals";
import { type Command, commandsFor, fetchBot } from "@chatd/client/platform";
import { offers } from "../shell/contacts.js";
import { client } from "../shell/state.js";
import { userOf } from "../shell/users.js";
import { keep, kept } from "../shell/web_storage.js";
import type { ComposerModel } from "./composer_model.js";
import { Suggestions } from "./suggestions.js";

/** Milliseconds for which the commands of a bot are kept (protocol.md, "bots.get"). */
const KEEP_MS = 86_400_000;

interface Kept {
  readonly at: number;
  readonly commands: readonly Command[];
}

export class CommandQuery extends Suggestions<Command> {
  /** What stands before the caret; empty: no command is typed. */
  readonly #typed = signal("");
  readonly #commands = signal<readonly Command[]>([]);
  readonly candidates = computed(() => commandsFor(this.#typed.value, this.#commands.value));
  #asking = false;

  constructor(private readonly model: ComposerModel) {
    super();
  }

  look({ selectionStart, selectionEnd, value }: HTMLTextAreaElement): void {
    const typed = selectionStart === selectionEnd && value.startsWith("/") ? value.slice(0, selectionStart) : "";
    if (typed === this.#typed.peek()) return;
    this.#typed.value = typed;
    this.at.value = 0;
    if (typed) void this.#fetch();
  }

  close(): void {
    this.#typed.value = "";
  }

  /** Put the whole command, and a space for what may follow. */
  pick({ name }: Command, field: HTMLTextAreaElement): void {
    field.setRangeText(`/${name} `, 0, this.#typed.peek().length, "end");
    this.close();
    this.model.type(field.value);
    field.focus({ preventScroll: true });
  }

  async #fetch(): Promise<void> {
    const { peer } = this.model.state.summary.peek();
    if (this.#asking || !offers("bots") || !userOf(peer).peek().kind) return;
    const place = `chatd:bot:${peer}`;
    const known = JSON.parse(kept("sessionStorage", place) ?? "null") as Kept | null;
    if (known && Date.now() - known.at < KEEP_MS) this.#commands.value = known.commands;
    else {
      this.#asking = true;
      // Without a network nothing is offered; the next `/` asks again.
      const found = await fetchBot(client(), peer).catch(() => undefined);
      this.#asking = false;
      if (!found) return;
      this.#commands.value = found.commands;
      keep("sessionStorage", place, JSON.stringify({ at: Date.now(), commands: found.commands } satisfies Kept));
    }
  }
}
