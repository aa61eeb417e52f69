/** Everything that only the client with the connection can do, as commands with plain arguments and results, so that
 * another tab can ask for it (tab_link.ts). A command may come twice; each is idempotent, keys are made by who asks. */

import { eventOf } from "./core/acks.js";
import { ChatError } from "./core/errors.js";
import { messageFrom, type Message, type Page } from "./core/messages.js";
import type { Ack, HistoryReply, MessagesReply, ModeReply, Packet, RoomGetReply, SyncPage } from "./core/packets.js";
import type { Engine } from "./engine.js";
import { startOf } from "./repair.js";

/** Most messages of a page of history (protocol.md, "history"). */
const HISTORY_MAX = 100;

/** Seconds of silence after which a connection is probed when the app comes to the front (protocol.md, "States"). */
const SILENCE_S = 5;

/** The commands of one client. */
export class Commands {
  constructor(protected readonly _engine: Engine) {}

  // Requests.

  call(packet: Packet, timeoutS: number): Promise<Packet> {
    return this._engine.call(packet, timeoutS);
  }

  /** Send a request with a key; the event that it appended to the log is applied, or fetched. With `lost` the room is
   * gone for this user afterwards. Returns the acknowledgement. */
  async mutate(packet: Packet, lost: string): Promise<Ack> {
    const { account, repairer } = this._engine;
    const { room } = packet;
    const ack: Ack = await this._engine.call(packet);
    const event = eventOf(packet, ack, account.user);
    if (lost) account.lose(room, lost);
    else if (event) account.takeEvents(room, [event]);
    else if (ack.seq !== undefined) {
      account.takeHead(room, ack.seq);
      repairer.soon(account.replica(room));
    }
    return ack;
  }

  /** Return the id of the 1:1 room with a user. */
  async direct(user: string): Promise<string> {
    return this._taken(await this._engine.call({ type: "room.direct", user }));
  }

  /** Create a room and return its id. */
  async createRoom(packet: Packet): Promise<string> {
    return this._taken(await this._engine.call(packet));
  }

  async refresh(room: string): Promise<void> {
    const { summary } = (await this._engine.call({ type: "room.get", room })) as RoomGetReply;
    this._engine.account.takeSummary(summary);
  }

  /** Fetch what changed since the cursor; further pages follow in the background. During a round all of them do: a round
   * begun in its middle would pass for a whole one. */
  async sync(anew = false): Promise<void> {
    const { account, repairer } = this._engine;
    if (anew) account.dropCursor();
    if (repairer.inRound) return repairer.syncAgain();
    account.beginRound();
    const page = await this._engine.call({ type: "sync", ...startOf(account), rooms: repairer.page });
    const more = account.takeSync(page as SyncPage);
    if (more) repairer.pages(more);
  }

  // Reading.

  /** Return the newest `limit` messages, ascending and up to date. */
  async timeline(room: string, limit: number): Promise<Message[]> {
    await this._engine.opened(room);
    const replica = this._engine.account.peek(room);
    await this._engine.repairer.repair(replica);
    let before = replica.timeline.applied + 1;
    let messages: Message[] = [];
    while (messages.length < limit) {
      const page = await this.history(room, { before, limit: Math.min(HISTORY_MAX, limit - messages.length) });
      messages = [...page.messages, ...messages];
      before = page.low;
      if (page.end || page.low <= 1 || page.low > page.high) break;
    }
    return messages;
  }

  async history(room: string, asked: { limit: number; before?: number; after?: number; around?: number }): Promise<Page> {
    await this._engine.opened(room);
    const { account } = this._engine;
    const replica = account.peek(room);
    const kept = asked.before !== undefined && (await this._kept(room, asked.before, asked.limit));
    if (kept) return kept;
    const reply = (await this._engine.call({ type: "history", room, ...asked })) as HistoryReply;
    const changes = replica.countedIn(replica.timeline.takePage(reply));
    const { low, high, seq, end = false } = reply;
    // Before the cache is trimmed.
    const messages = replica.timeline.between(low, high);
    account.publish(replica, changes);
    return { messages, low, high, seq, end };
  }

  async fetch(room: string, seqs: readonly number[]): Promise<Message[]> {
    const { account } = this._engine;
    const { events } = (await this._engine.call({ type: "messages", room, seqs })) as MessagesReply;
    const replica = account.peek(room);
    account.publish(replica, replica.countedIn(replica.timeline.takeMessages(events)));
    return events.map((event) => messageFrom(room, event));
  }

  // Signals.

  read(room: string, seq: number): void {
    const { account, signals } = this._engine;
    const replica = account.peek(room);
    if (signals.read(replica, seq)) account.publish(replica, [{ kind: "roomChanged", room }]);
  }

  typing(room: string): void {
    this._engine.signals.typing(room);
  }

  focus(rooms: readonly string[]): void {
    const { account, repairer, signals } = this._engine;
    signals.focus(rooms);
    for (const room of rooms) {
      const replica = account.peek(room);
      if (replica.timeline.behind) repairer.perhaps(replica);
    }
  }

  watch(users: readonly string[]): void {
    this._engine.signals.watch(users);
  }

  foreground(): void {
    this._mode(false);
    this._engine.lifecycle.revive();
  }

  background(): void {
    this._mode(true);
  }

  /** Set `foreground` or `background`, now and in every hello to come (protocol.md, "mode"). */
  private _mode(background: boolean): void {
    const { lifecycle } = this._engine;
    const { connection } = lifecycle;
    lifecycle.background = background;
    if (!connection || lifecycle.phase !== "ready") return;
    const current = () => ({ type: "mode", mode: lifecycle.background ? "background" : "foreground" });
    connection.askUntilTaken(current, (reply) => {
      if (reply && !(reply instanceof ChatError)) connection.setHeartbeat((reply as ModeReply).heartbeat);
    });
  }

  /** Connect now that the app is in front, or make sure that the connection lives and nothing was missed. */
  async resume(): Promise<void> {
    const { lifecycle } = this._engine;
    this.foreground();
    if (lifecycle.phase !== "ready" || !lifecycle.connection) return;
    if (lifecycle.connection.silentS() > SILENCE_S) lifecycle.connection.probe();
    await this.sync();
  }

  networkChanged(): void {
    const { lifecycle } = this._engine;
    if (lifecycle.phase === "ready") lifecycle.connection?.probe();
    else if (lifecycle.phase === "backoff") lifecycle.wake();
  }

  // The outbox.

  resend(key: string): boolean {
    return this._engine.sender.resend(key);
  }

  discard(key: string): boolean {
    return this._engine.sender.discard(key);
  }

  // Internal.

  private async _kept(room: string, before: number, limit: number): Promise<Page | undefined> {
    const replica = this._engine.account.peek(room);
    const { timeline } = replica;
    const low = timeline.cached.coveredDownFrom(before - 1);
    if (low < before) await this._engine.repairer.refresh(replica, low, before - 1);
    return timeline.pageBefore(before, limit);
  }

  /** Take the room of a summary; a young one is read at once, so that no hole precedes what is written next. */
  private async _taken({ summary }: Packet): Promise<string> {
    const replica = this._engine.account.takeSummary(summary);
    const plan = replica.timeline.plan();
    if (plan && plan !== "jump") await this._engine.repairer.repair(replica);
    return replica.room;
  }
}
