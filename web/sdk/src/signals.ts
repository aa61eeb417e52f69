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
  private watched: readonly string[] = [];
  private connection: Connection | undefined;
  private readonly reads = new Map<string, number>();
  private readonly delivered = new Map<string, number>();
  private readonly readThrottle: Throttle;
  private readonly deliveredThrottle: Throttle;
  private readonly typingThrottle: Throttle;

  constructor(private readonly account: Account, env: Env, private readonly settings: Settings) {
    const { readS, deliveredS, typingS } = settings.timing;
    this.readThrottle = new Throttle(env, readS, (room) => this.sendRead(room));
    this.deliveredThrottle = new Throttle(env, deliveredS, () => this.sendDelivered());
    this.typingThrottle = new Throttle(env, typingS, (room) => this.connection?.send({ type: "typing", room }));
  }

  /** Repeat what the server forgot with the old connection, and send what waited. */
  connected(connection: Connection): void {
    this.connection = connection;
    if (this.account.focused.length) this.focus(this.account.focused);
    if (this.watched.length) this.watch(this.watched);
    for (const room of this.reads.keys()) this.readThrottle.touch(room);
    if (this.delivered.size) this.deliveredThrottle.touch(DELIVERED);
  }

  /** Keep the values and stop the timers. */
  disconnected(): void {
    this.connection = undefined;
    for (const throttle of [this.readThrottle, this.deliveredThrottle, this.typingThrottle]) throttle.stop();
  }

  /** Mark the room as read up to `seq`; false if it is there already. */
  read(replica: Replica, seq: number): boolean {
    if (!replica.markRead(seq)) return false;
    this.reads.set(replica.room, seq);
    this.readThrottle.touch(replica.room);
    return true;
  }

  /** Signal that the user is typing. */
  typing(room: string): void {
    this.typingThrottle.touchNowOrNever(room);
  }

  /** Name the rooms on the screen (protocol.md, "focus"). */
  focus(rooms: readonly string[]): void {
    this.account.focused = rooms;
    const current = () => ({ type: "focus", rooms: [...this.account.focused] });
    this.connection?.askUntilTaken(current, (reply) => this.onFocus(reply));
  }

  /** Follow the presence of these users (protocol.md, "watch"). */
  watch(users: readonly string[]): void {
    this.watched = users;
    const current = () => ({ type: "watch", users: [...this.watched] });
    this.connection?.askUntilTaken(current, (reply) => {
      if (reply && !(reply instanceof ChatError)) this.account.takePresence((reply as WatchReply).users);
    });
  }

  /** Confirm messages of others in small rooms as delivered; a listener of the feed. */
  arrived(change: Change): void {
    if (change.kind !== "messageAdded" || change.message.user === this.account.user) return;
    const { summary } = this.account.peek(change.room);
    if (!summary.peer && summary.members > DELIVERED_MEMBERS_MAX) return;
    this.delivered.set(change.room, change.message.seq);
    this.deliveredThrottle.touch(DELIVERED);
  }

  private sendRead(room: string): void {
    const seq = this.reads.get(room);
    if (!this.connection || seq === undefined) return;
    this.reads.delete(room);
    this.connection.ask({ type: "read", room, seq }, (reply) => this.onRead(room, seq, reply));
  }

  private sendDelivered(): void {
    if (!this.connection || !this.delivered.size) return;
    const rooms = [...this.delivered].slice(0, DELIVERED_ROOMS_MAX).map(([room, seq]) => ({ room, seq }));
    for (const { room } of rooms) this.delivered.delete(room);
    this.connection.send({ type: "delivered", rooms });
    if (this.delivered.size) this.deliveredThrottle.touch(DELIVERED);
  }

  private onRead(room: string, seq: number, reply: Reply): void {
    if (reply && !(reply instanceof ChatError)) {
      const replica = this.account.replica(room);
      this.account.publish(replica, replica.takePosition(reply as ReadReply));
    } else if ((!reply || reply.retry === "later") && !this.reads.has(room)) {
      // Marks are monotonic: sending it again is harmless.
      this.reads.set(room, seq);
      if (reply) this.readThrottle.touchLater(room, pauseS(this.settings.timing, reply.retry_after));
    }
  }

  private onFocus(reply: Reply): void {
    if (reply instanceof ChatError) this.settings.log(`focus was refused: ${reply.message}`);
    if (!reply || reply instanceof ChatError) return;
    for (const { room, seq, receipts } of (reply as FocusReply).rooms) {
      this.account.takeHead(room, seq);
      const replica = this.account.replica(room);
      this.account.publish(replica, replica.takeReceipts(receipts ?? []));
    }
  }
}
