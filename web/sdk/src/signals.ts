/** The signals of a client that need no durable delivery: read and delivered marks, typing, focus, watch; coalesced
 * (protocol.md, "typing"). */

import type { Connection, Reply } from "./connection.js";
import type { Account } from "./core/account.js";
import type { Change } from "./core/changes.js";
import { ChatError } from "./core/errors.js";
import type { FocusReply, ReadReply, WatchReply } from "./core/packets.js";
import { pauseS } from "./core/timing.js";
import type { Replica } from "./core/replica.js";
import type { Env } from "./env.js";
import type { Settings } from "./settings.js";
import { Throttle } from "./throttle.js";

/** Larger groups keep no delivered marks (protocol.md, "delivered"). */
const DELIVERED_MEMBERS_MAX = 32;

/** Rooms in one packet (protocol.md, "delivered"). */
const DELIVERED_ROOMS_MAX = 200;

/** One delivered packet names all rooms, so there is one key for all. */
const DELIVERED = "";

/** The signals of one account. They wait while there is no connection; the latest value counts. */
export class Signals {
  private _watched: readonly string[] = [];
  private _connection: Connection | undefined;
  private readonly _delivered = new Map<string, number>();
  private readonly _readThrottle: Throttle;
  private readonly _deliveredThrottle: Throttle;
  private readonly _typingThrottle: Throttle;

  constructor(private readonly _account: Account, env: Env, private readonly _settings: Settings) {
    const { readS, deliveredS, typingS } = _settings.timing;
    this._readThrottle = new Throttle(env, readS, (room) => this._sendRead(room));
    this._deliveredThrottle = new Throttle(env, deliveredS, () => this._sendDelivered());
    this._typingThrottle = new Throttle(env, typingS, (room) => this._connection?.send({ type: "typing", room }));
  }

  /** Repeat what the server forgot with the old connection, and send what waited. */
  connected(connection: Connection): void {
    this._connection = connection;
    if (this._account.focused.length) this.focus(this._account.focused);
    if (this._watched.length) this.watch(this._watched);
    // Also what an earlier run did not send any more.
    for (const { room, read, summary } of this._account.replicas.values()) {
      if (read > summary.read) this._readThrottle.touch(room);
    }
    if (this._delivered.size) this._deliveredThrottle.touch(DELIVERED);
  }

  /** Keep the values and stop the timers. */
  disconnected(): void {
    this._connection = undefined;
    for (const throttle of [this._readThrottle, this._deliveredThrottle, this._typingThrottle]) throttle.stop();
  }

  /** Mark the room as read up to `seq`; false if it is there already. */
  read(replica: Replica, seq: number): boolean {
    if (!replica.markRead(seq)) return false;
    this._readThrottle.touch(replica.room);
    return true;
  }

  /** Signal that the user is typing. */
  typing(room: string): void {
    this._typingThrottle.touchNowOrNever(room);
  }

  /** Name the rooms on the screen (protocol.md, "focus"). */
  focus(rooms: readonly string[]): void {
    this._account.focused = rooms;
    const current = () => ({ type: "focus", rooms: [...this._account.focused] });
    this._connection?.askUntilTaken(current, (reply) => this._onFocus(reply));
  }

  /** Follow the presence of these users (protocol.md, "watch"). */
  watch(users: readonly string[]): void {
    this._watched = users;
    const current = () => ({ type: "watch", users: [...this._watched] });
    this._connection?.askUntilTaken(current, (reply) => {
      if (reply && !(reply instanceof ChatError)) this._account.takePresence((reply as WatchReply).users);
    });
  }

  /** Confirm messages of others in small rooms as delivered; a listener of the feed. */
  arrived(change: Change): void {
    if (change.kind !== "messageAdded" || change.message.user === this._account.user) return;
    const { summary } = this._account.peek(change.room);
    if (!summary.peer && summary.members > DELIVERED_MEMBERS_MAX) return;
    this._delivered.set(change.room, change.message.seq);
    this._deliveredThrottle.touch(DELIVERED);
  }

  private _sendRead(room: string): void {
    const { read: seq, summary } = this._account.peek(room);
    if (seq > summary.read) this._connection?.ask({ type: "read", room, seq }, (reply) => this._onRead(room, reply));
  }

  private _sendDelivered(): void {
    if (!this._connection || !this._delivered.size) return;
    const rooms = [...this._delivered].slice(0, DELIVERED_ROOMS_MAX).map(([room, seq]) => ({ room, seq }));
    for (const { room } of rooms) this._delivered.delete(room);
    this._connection.send({ type: "delivered", rooms });
    if (this._delivered.size) this._deliveredThrottle.touch(DELIVERED);
  }

  private _onRead(room: string, reply: Reply): void {
    if (reply && !(reply instanceof ChatError)) {
      const replica = this._account.replica(room);
      this._account.publish(replica, replica.takePosition(reply as ReadReply));
    } else if (reply?.retry === "later") {
      this._readThrottle.touchLater(room, pauseS(this._settings.timing, reply.retry_after));
    }
  }

  private _onFocus(reply: Reply): void {
    if (reply instanceof ChatError) this._settings.log(`focus was refused: ${reply.message}`);
    if (!reply || reply instanceof ChatError) return;
    for (const { room, seq, receipts } of (reply as FocusReply).rooms) {
      this._account.takeHead(room, seq);
      const replica = this._account.replica(room);
      this._account.publish(replica, replica.takeReceipts(receipts ?? []));
    }
  }
}
