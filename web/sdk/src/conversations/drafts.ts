/** Drafts that follow their user to all devices (protocol.md, "Drafts and scheduled messages").
 *
 * What is typed is kept on this device by the app (`client.setDraft`), as it always was. A copy goes to the account when the
 * room is left, when the app goes to the background, and 10 s after the last key: a draft is to cost less than a message.
 * What is on the screen is never replaced by what comes from elsewhere. A draft has the key of the message that it becomes,
 * so that it is over on all devices once that message is stored, and nothing is written for that.
 */

import type { Client } from "../client.js";
import type { Change } from "../core/changes.js";
import { ChatError } from "../core/errors.js";
import type { Env, Timer } from "../env.js";
import { newKey } from "../keys.js";
import type { DraftBody, DraftRow } from "./types.js";

/** Seconds after the last key until a draft goes to the account. */
const IDLE_S = 10;
/** Bytes of a draft (protocol.md, "draft"), less what may differ between encodings; longer ones stay on this device. */
const BYTES_MAX = 1900;

/** The drafts of this device, as the app keeps them. */
export interface LocalDrafts {
  /** Return what is typed in a room. */
  read(room: string): DraftBody | undefined;
  /** Take what was typed on another device, or, undefined, end a draft that is over there. */
  take(room: string, body: DraftBody | undefined): void;
}

/** What is known of the copy of a draft. `made`: its key is of this device; `unsent`: it is newer here; `put`: it went out
 * once; `seen`: the account had it; `over`: it became a message, which the row of the account does not say. */
interface Copy {
  readonly key: string;
  readonly made?: boolean;
  readonly unsent?: boolean;
  readonly put?: boolean;
  readonly seen?: boolean;
  readonly over?: boolean;
}

const place = (room: string): string => `copy ${room}`;

/** The drafts of one client; without the feature word `drafts` it does nothing. */
export class Drafts {
  private readonly _timers = new Map<string, Timer>();
  private readonly _sending = new Map<string, Promise<void>>();
  /** Rooms whose drafts the server refuses, until something else is typed. */
  private readonly _refused = new Set<string>();
  /** Keys of messages that were sent: drafts with them are over. */
  private readonly _spent = new Set<string>();
  private readonly _unfollow: () => void;

  constructor(
    private readonly _client: Client & { readonly features: readonly string[] },
    private readonly _local: LocalDrafts,
    private readonly _callLater: Env["callLater"] = callLater,
  ) {
    this._unfollow = _client.on((change) => this._hear(change));
    this._lookAtAll();
  }

  /** End it; what is unsent goes out in the next run. */
  stop(): void {
    this._unfollow();
    for (const timer of this._timers.values()) timer.cancel();
    this._timers.clear();
  }

  /** Note that somebody types in a room. Call it before what is typed is kept. */
  typed(room: string): void {
    const { over: _, ...copy } = this._copy(room) ?? { key: "" };
    // What is changed here becomes another message than the draft that came from elsewhere.
    if (!copy.made || this._isOver(room, copy.key)) this._keep(room, { ...copy, key: newKey(), made: true, unsent: true });
    else if (!copy.unsent) this._keep(room, { ...copy, unsent: true });
    this._refused.delete(room);
    this._later(room);
  }

  /** Send what is unsent of a room, which is left, or of all, as the app goes to the background. */
  async flush(room?: string): Promise<void> {
    const rooms = this._copied().filter(([one, { unsent }]) => unsent && (room ?? one) === one);
    await Promise.all(rooms.map(([one]) => this._send(one)));
  }

  /** Return the key for the message that the draft of a room becomes, and end the draft: call it as the message is posted. */
  post(room: string): string {
    const copy = this._copy(room);
    const key = copy && !this._isOver(room, copy.key) ? copy.key : newKey();
    this._spent.add(key);
    this._cancel(room);
    const row = this._row(room);
    const isOther = row && !this._isOver(room, row.key);
    this._keep(room, row && { key: row.key, ...(isOther ? { seen: true } : { over: true }) });
    // Another draft than that of the message would come back.
    if (isOther) this._put(room, row.key).catch(() => {});
    return key;
  }

  private _hear(change: Change): void {
    switch (change.kind) {
      case "accountChanged": return change.section === "drafts" ? this._look(change.name) : undefined;
      case "changesMissed": return this._lookAtAll();
      case "stateChanged": return void (change.phase === "ready" && this.flush());
      case "messageAdded": return change.message.user === this._client.user ? this._over(change.room, change.message.key) : undefined;
      case "sendDone": return this._over(change.room, change.key);
      case "sendFailed": return void (change.error.code === "conflict" && this._repost(change.room, change.key));
    }
  }

  /** Send a message under another key: another device sent the draft as it was before it was changed here. Every tab makes
   * the same key of the old one, so there is one message. */
  private async _repost(room: string, key: string): Promise<void> {
    const packet = this._client.outbox.find((entry) => entry.key === key)?.packet;
    if (packet?.type !== "send") return;
    const other = key.at(-2) === "A" ? "B" : "A";
    await this._client.room(room).post(packet.body, { key: `${key.slice(0, -2)}${other}${key.at(-1)}` });
    await this._client.discard(key);
  }

  private _lookAtAll(): void {
    const rooms = [...Object.keys(this._client.accountRows("drafts")), ...this._copied().map(([room]) => room)];
    for (const room of new Set(rooms)) this._look(room);
  }

  private _over(room: string, key: string): void {
    this._spent.add(key);
    const copy = this._copy(room);
    // Another device sent it as it was; what was changed here becomes another message.
    if (copy?.key === key && copy.unsent) this._keep(room, { ...copy, key: newKey(), made: true });
    else if (copy?.key === key || this._row(room)?.key === key) this._look(room);
  }

  /** Compare the draft of the account with that of this device. */
  private _look(room: string): void {
    const copy = this._copy(room);
    if (copy?.unsent) return;
    const row = this._row(room);
    if (!row || this._isOver(room, row.key)) {
      const wasHere = copy && !copy.over && (copy.seen || this._isOver(room, copy.key));
      if (wasHere) this._local.take(room, undefined);
      if (wasHere || row) this._keep(room, row && { key: row.key, over: true });
    } else if (row.key !== copy?.key) {
      this._keep(room, { key: row.key, seen: true });
      this._local.take(room, row.body);
    } else if (!copy.made) this._local.take(room, row.body);
    else if (!copy.seen) this._keep(room, { ...copy, seen: true });
  }

  private _later(room: string): void {
    this._cancel(room);
    if (!this._isOn) return;
    this._timers.set(room, this._callLater(IDLE_S, () => void this._send(room)));
  }

  private _cancel(room: string): void {
    this._timers.get(room)?.cancel();
    this._timers.delete(room);
  }

  /** Send the draft of a room, one request at a time. */
  private _send(room: string): Promise<void> {
    this._cancel(room);
    const sending = (this._sending.get(room) ?? Promise.resolve()).then(() => this._sendNow(room));
    this._sending.set(room, sending);
    return sending;
  }

  private async _sendNow(room: string): Promise<void> {
    const copy = this._copy(room);
    if (!copy?.unsent || !this._isOn || this._refused.has(room)) return;
    const body = fitting(this._local.read(room));
    // While it is on its way, what is typed is unsent again.
    this._keep(room, { ...copy, unsent: false, put: true });
    try {
      if (body || copy.put || this._row(room)) await this._put(room, copy.key, body);
    } catch (error) {
      const now = this._copy(room);
      if (now?.key === copy.key) this._keep(room, { ...now, unsent: true });
      if (error instanceof ChatError && error.retry === "never") this._refused.add(room);
    }
  }

  private async _put(room: string, key: string, body?: DraftBody): Promise<void> {
    await this._client.call({ type: "draft", room, key, ...(body && { body }) });
  }

  private get _isOn(): boolean {
    return this._client.features.includes("drafts");
  }

  private _row(room: string): DraftRow | undefined {
    return this._client.accountRows("drafts")[room] as DraftRow | undefined;
  }

  private _isOver(room: string, key: string): boolean {
    const copy = this._copy(room);
    if (copy?.over && copy.key === key) return true;
    if (this._spent.has(key) || this._client.outbox.some((entry) => entry.key === key)) return true;
    return [...this._client.room(room).messages.values()].some((message) => message.key === key);
  }

  private _copy(room: string): Copy | undefined {
    return this._client.drafts.get(place(room)) as Copy | undefined;
  }

  private _keep(room: string, copy: Copy | undefined): void {
    void this._client.setDraft(place(room), copy);
  }

  private _copied(): [room: string, copy: Copy][] {
    const start = place("");
    const found = [...this._client.drafts].filter(([at]) => at.startsWith(start));
    return found.map(([at, copy]) => [at.slice(start.length), copy as Copy]);
  }
}

function callLater(delayS: number, action: () => void): Timer {
  const timer = setTimeout(action, delayS * 1000);
  return { cancel: () => clearTimeout(timer) };
}

/** Return a draft that the account takes; undefined for one that is empty or too long. */
function fitting(body: DraftBody | undefined): DraftBody | undefined {
  if (!body?.text?.trim() && !body?.reply_to) return undefined;
  return new TextEncoder().encode(JSON.stringify(body)).length <= BYTES_MAX ? body : undefined;
}
