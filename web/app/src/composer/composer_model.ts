/**
 * The text of the composer, and what will become of it: a new message, an answer or an edit.
 *
 * It lives longer than what draws it: it is a draft of the SDK from 300 ms after the last key, when the page is hidden
 * and when the room is left, so the end of a tab loses nothing that was typed before.
 */
import { signal } from "@preact/signals";
import { type Body, ChatError, type Entry, type Message } from "@chatd/client";
import { schedule } from "@chatd/client/conversations";
import type { Recording } from "@chatd/client/media";
import { t } from "../locale/locale.js";
import { notify } from "../shell/announcer.js";
import { type Draft, draftOf, keepDraft } from "../shell/drafts.js";
import { attempt, errorText } from "../shell/errors.js";
import { postFiles } from "../media/outgoing.js";
import { fileToSend, type Staged } from "../media/staged.js";
import { client, type RoomState } from "../shell/state.js";
import { draftGone, draftPosted, draftTyped } from "./draft_sync.js";
import type { Card } from "../timeline/card_shapes.js";
import { mentionOf } from "./mentions.js";
import type { Place } from "./places.js";

/** Milliseconds after the last key until the draft is stored. */
const STORE_MS = 300;
/** Bytes of a body beside its text: the keys, and their lengths. */
const BODY_BYTES = 64;
/** Bytes of the body left below which they are shown. */
const FEW_BYTES = 1024;

/** A device with a mouse has a keyboard, where Enter sends; on a screen keyboard it breaks the line. */
export const FINE_POINTER = matchMedia("(pointer: fine)");

/** Most files of one message (protocol.md, "Body"); more go out as several. */
const FILES_MAX = 10;

const encoder = new TextEncoder();

export class ComposerModel {
  readonly text = signal("");
  /** The message that is answered; 0: none. */
  readonly replyTo = signal(0);
  /** The message that is edited; 0: none. */
  readonly editing = signal(0);
  /** The files that will be sent with the text, and whether they go as they are. */
  readonly files = signal<readonly Staged[]>([]);
  readonly asIs = signal(false);
  /** Grows whenever the text was changed by something else than typing, so that the field takes it over. */
  readonly revision = signal(0);
  /** Grows whenever the field should have the focus. */
  readonly focused = signal(0);
  /** Whether slow mode lets the user wait. */
  readonly waits = signal(false);
  /** The users that the text may name, by `@name`. */
  #mentions = new Map<string, string>();
  /** The text that an edit put aside. */
  #aside: Draft | undefined;
  #timer = 0;
  #stored = true;

  constructor(
    readonly state: RoomState,
    private readonly sent: () => void,
  ) {
    if (!state.post) this.#restore(draftOf(state.id).peek());
  }

  /** Take over what is typed in another tab, or on another device, while nothing is typed in this one; the returned function ends that. */
  follow(): () => void {
    if (this.state.post) return () => {};
    return draftOf(this.state.id).subscribe((draft) => {
      if (this.#stored && !(document.hasFocus() && this.text.peek())) this.#restore(draft);
    });
  }

  /** Take over what was typed. */
  type(text: string): void {
    this.text.value = text;
    if (text && !this.editing.peek()) this.state.room.typing();
    this.#later();
  }

  /** Put a text in place of what stands there, as if it was typed. */
  replace(text: string): void {
    this.type(text);
    this.revision.value += 1;
  }

  /** Let `@name` in the text mention this user. */
  mention(user: string): void {
    this.#mentions.set(mentionOf(user), user);
  }

  /** Put files beside the text. */
  async addFiles(files: readonly File[]): Promise<void> {
    if (!files.length || this.state.post) return;
    if (this.editing.peek()) this.cancel();
    try {
      const { stage } = await import("../media/stage.js");
      const staged = await stage(files);
      this.files.value = [...this.files.peek(), ...staged];
    } catch {
      notify(t("error.part"));
    }
    this.focused.value += 1;
  }

  removeFile(id: number): void {
    const gone = this.files.peek().find((file) => file.id === id);
    if (gone?.address) URL.revokeObjectURL(gone.address);
    this.files.value = this.files.peek().filter((file) => file !== gone);
    this.focused.value += 1;
  }

  /** Say what a picture shows. */
  describeFile(id: number, alt: string): void {
    this.files.value = this.files.peek().map((file) => (file.id === id ? { ...file, alt } : file));
  }

  /** Send a voice message; what was typed stays, and what is answered goes with it. */
  async sendVoice({ blob, duration, waveform }: Recording): Promise<void> {
    const reply_to = this.replyTo.peek();
    const voice = { blob, mime: blob.type, name: "", kind: "voice" as const, duration, waveform };
    try {
      const posted = postFiles(this.state.id, { ...(reply_to && { reply_to }) }, [voice]);
      this.replyTo.value = 0;
      this.#later();
      this.sent();
      await posted;
    } catch {
      notify(t("media.not-kept"));
    }
  }

  reply(seq: number): void {
    if (this.editing.peek()) this.cancel();
    this.replyTo.value = seq;
    this.focused.value += 1;
    this.#later();
  }

  /** Edit an own message; what was typed comes back when that is done. */
  edit(message: Message): void {
    if (this.editing.peek()) this.cancel();
    const mentions = Object.fromEntries((message.body?.mentions ?? []).map((user) => [mentionOf(user), user]));
    this.#restore({ ...this.#draft(), edit: { seq: message.seq, text: message.text, mentions } });
    this.focused.value += 1;
    this.#later();
  }

  /** End an edit or an answer; false if there was none. */
  cancel(): boolean {
    if (this.editing.peek()) this.#resume();
    else if (this.replyTo.peek()) this.replyTo.value = 0;
    else return false;
    this.#later();
    return true;
  }

  /** The bytes left for the text. */
  get left(): number {
    const limit = client().limits.body_bytes;
    // A character has at most three bytes for each unit of UTF-16: only long texts are measured.
    const { value } = this.text;
    const bytes = value.length * 3 < limit - FEW_BYTES ? 0 : encoder.encode(value.trim()).length;
    return limit - BODY_BYTES - bytes;
  }

  /** Whether the bytes left are worth showing. */
  get isLong(): boolean {
    return this.left < FEW_BYTES;
  }

  get canSend(): boolean {
    const edited = this.editing.value;
    const hasFiles = edited ? this.state.room.messages.get(edited)?.body?.attachments : this.files.value.length;
    const waits = this.waits.value && !edited;
    return (this.text.value.trim() !== "" || Boolean(hasFiles)) && this.left >= 0 && !waits;
  }

  /** Send what stands there; if it could not be stored, or an edit is refused, it stands there again. */
  async send(): Promise<void> {
    if (!this.canSend) return;
    const draft = this.#draft();
    const body = this.#body();
    const files = draft.edit ? [] : this.files.peek();
    if (files.length) return this.#sendFiles(draft, body, files);
    try {
      if (draft.edit) await this.#sendEdit(draft.edit.seq, body);
      else await this.#sendNew(body);
    } catch (error) {
      // Without an answer an edit waits in the outbox.
      if (draft.edit && !(error instanceof ChatError)) return;
      this.#putBack(draft);
      notify(draft.edit ? errorText(error) : t("chat.send-failed"));
    }
  }

  /** Take a message that was refused out of the outbox, to change it. */
  async takeBack({ key, packet }: Entry): Promise<void> {
    const { text = "", reply_to, mentions = [] } = packet.body as Body;
    const named = mentions.length ? { mentions: Object.fromEntries(mentions.map((user) => [mentionOf(user), user])) } : {};
    if (this.editing.peek()) this.cancel();
    this.#putBack({ text, ...(reply_to && { reply_to }), ...named });
    this.focused.value += 1;
    await this.store();
    await client().discard(key);
  }

  /** Send a wave; what was typed stays. */
  async greet(): Promise<void> {
    await attempt(() => this.state.room.post("👋"));
  }

  /** Send a card; what was typed stays, and what is answered goes with it. */
  async sendCard(body: Body): Promise<void> {
    const reply_to = this.replyTo.peek();
    try {
      const posted = this.state.room.post({ ...body, ...(reply_to && { reply_to }) });
      this.replyTo.value = 0;
      this.#later();
      this.sent();
      await posted;
    } catch {
      notify(t("chat.send-failed"));
    }
  }

  /** Send the card of a place; its address goes out of the text, where that is what stands there. */
  async sendPlace({ north, east }: Place, card: Card, address: string): Promise<void> {
    if (address && this.text.peek() === address) this.replace("");
    const numbers = `${north}, ${east}`;
    await this.sendCard({ text: `${t("shared.place")}: ${card.title ? `${card.title} (${numbers})` : numbers}`, card });
  }

  /** Store the draft now, if it is not. */
  async store(): Promise<void> {
    clearTimeout(this.#timer);
    if (this.#stored) return;
    this.#stored = true;
    await keepDraft(this.state.id, this.#draft());
  }

  /** Have what stands there sent at a time; if it is refused, it stands there again. */
  async schedule(at: number): Promise<boolean> {
    const [draft, body] = [this.#draft(), this.#body()];
    if (!this.canSend || draft.edit) return false;
    this.#clear();
    try {
      await schedule(client(), this.state.room, body, at);
      // What was typed meanwhile is another draft.
      if (!this.text.peek()) await draftGone(this.state.id);
      return true;
    } catch (error) {
      this.#putBack(draft);
      notify(errorText(error));
      return false;
    }
  }

  async #sendNew(body: Body): Promise<void> {
    this.#clear();
    // The text is in the outbox or in the draft at any moment, and never in both.
    const posted = this.state.room.post(body, this.state.post ? {} : { draft: this.state.id, key: draftPosted(this.state.id) });
    this.sent();
    await posted;
  }

  /** Send files, the text with the first of them; the text is in the draft until the message is kept. */
  async #sendFiles(draft: Draft, { text, ...body }: Body, files: readonly Staged[]): Promise<void> {
    const asIs = this.asIs.peek();
    this.files.value = [];
    this.asIs.value = false;
    this.#clear();
    this.sent();
    let left = files;
    try {
      while (left.length) {
        const isFirst = left === files;
        const some = left.slice(0, FILES_MAX).map((file) => fileToSend(file, asIs));
        await postFiles(this.state.id, isFirst ? { ...body, ...(text && { text }) } : {}, some);
        left = left.slice(FILES_MAX);
        if (isFirst) await draftGone(this.state.id);
      }
      for (const { address } of files) if (address) URL.revokeObjectURL(address);
    } catch {
      if (left === files) this.#putBack(draft);
      this.files.value = [...left, ...this.files.peek()];
      notify(t("media.not-kept"));
    }
  }

  async #sendEdit(seq: number, body: Body): Promise<void> {
    const { text: _, mentions: __, ...rest } = this.state.room.messages.get(seq)?.body ?? {};
    const { text, ...more } = body;
    this.#resume();
    this.#later();
    await this.state.room.edit(seq, { ...rest, ...more, ...(text && { text }) });
  }

  /** Restore a draft; what was typed since stays: behind a message, aside of an edit. */
  #putBack(draft: Draft): void {
    const now = this.#draft();
    const typed = now.text.trim();
    if (draft.edit) this.#restore({ ...now, edit: draft.edit });
    else this.#restore(typed ? { ...draft, text: `${draft.text}\n${now.text}` } : draft);
    this.#later();
  }

  #later(): void {
    // What is typed below the comments on a post is no draft of their group.
    if (this.state.post) return;
    this.#stored = false;
    if (!this.editing.peek()) draftTyped(this.state.id);
    clearTimeout(this.#timer);
    this.#timer = Number(setTimeout(() => void this.store(), STORE_MS));
  }

  #clear(): void {
    this.replyTo.value = 0;
    this.#mentions.clear();
    this.text.value = "";
    this.revision.value += 1;
    this.#stored = true;
    clearTimeout(this.#timer);
  }

  /** End an edit: what it put aside comes back. */
  #resume(): void {
    this.#restore(this.#aside ?? { text: "" });
    this.#aside = undefined;
  }

  #draft(): Draft {
    const [text, seq] = [this.text.peek(), this.editing.peek()];
    const mentions = this.#mentions.size ? { mentions: Object.fromEntries(this.#mentions) } : {};
    if (seq) return { ...(this.#aside ?? { text: "" }), edit: { seq, text, ...mentions } };
    const reply_to = this.replyTo.peek();
    return { text, ...(reply_to && { reply_to }), ...mentions };
  }

  #restore({ edit, ...draft }: Draft): void {
    this.#aside = edit && draft;
    this.editing.value = edit?.seq ?? 0;
    this.replyTo.value = edit ? 0 : (draft.reply_to ?? 0);
    this.#mentions = new Map(Object.entries((edit ?? draft).mentions ?? {}));
    this.text.value = (edit ?? draft).text;
    this.revision.value += 1;
  }

  #body(): Body {
    const text = this.text.peek().trim();
    const body: Body = { text };
    if (this.replyTo.peek()) body.reply_to = this.replyTo.peek();
    const mentions = new Set([...this.#mentions].filter(([name]) => text.includes(name)).map(([, user]) => user));
    if (mentions.has("*")) body.mentions = ["*"];
    else if (mentions.size) body.mentions = [...mentions];
    return body;
  }
}
