/** The fetching of what is missing: the rest of a sync, holes in the log of a room, stale stretches of its cache.
 *
 * One job at most works through everything, one request at a time, so that a client that returns after a week does not
 * flood the server; rooms on the screen go first. The rules of what to ask are in timeline.ts.
 */

import type { Account } from "./core/account.js";
import { ChatError, Unreachable } from "./core/errors.js";
import type { ChangesReply, HistoryReply, LogReply, Packet, RoomGetReply, SyncPage } from "./core/packets.js";
import type { Replica } from "./core/replica.js";
import { pauseS } from "./core/timing.js";
import { wait, type Env, type Timer } from "./env.js";
import type { Settings } from "./settings.js";

/** Messages of the newest page: two screens (protocol.md, "Positions, gaps and repair"). */
const JUMP_PAGE = 50;

/** Rounds of `changes` before a stretch is shown as it is: each covers a page, and the next display continues. */
const STALE_ROUNDS = 8;

/** Sends a request and returns its `ok`; once it is not `wanted` any more, it is not sent again. */
export type Call = (packet: Packet, wanted: () => boolean) => Promise<Packet>;

type Ask = (type: string, fields: Packet) => Promise<Packet>;

/** The job that brings one account up to date. */
export class Repairer {
  page = 200;
  private readonly timers = new Map<string, Timer>();
  private readonly repairs = new WeakMap<Replica, Promise<void>>();
  private rooms: string[] = [];
  // The next request of the sync that is under way; an empty one: a full sync.
  private round: Packet | undefined;
  // Whether a sync is to begin when the one under way has ended.
  private again = false;
  // The job that is in force has this number; any other ends at its next step.
  private job = 0;
  private running = false;

  constructor(
    private readonly call: Call,
    private readonly account: Account,
    private readonly env: Env,
    private readonly settings: Settings,
  ) {}

  /** Repair a hole: at once if the server announced it, else after a moment, unless it closes by itself (protocol.md,
   * "Positions, gaps and repair"). */
  soon(replica: Replica): void {
    const { room } = replica;
    if (replica.timeline.knownHole) this.queue(room);
    else if (!this.timers.has(room)) {
      this.timers.set(room, this.env.callLater(this.settings.timing.gapS, () => this.waited(room)));
    }
  }

  /** Repair a room that moved on: at once if it is on the screen or wanted anyway, else when it is opened. */
  perhaps(replica: Replica): void {
    if (this.settings.prefetch || this.account.focused.includes(replica.room)) this.queue(replica.room);
  }

  /** Fetch the further pages of a sync. */
  pages(more: string): void {
    this.takePage(more);
    this.run();
  }

  /** Whether pages of a sync are still to come. */
  get inRound(): boolean {
    return this.round !== undefined;
  }

  /** Begin a sync behind the one under way: only a round from here on has all that changed (protocol.md, "account"). */
  syncAgain(): void {
    this.again = true;
    if (!this.round) this.takePage("");
    this.run();
  }

  /** Repair every hole that was left, on a new connection. */
  resume(): void {
    for (const replica of this.account.replicas.values()) {
      if (replica.timeline.buffer.size) this.queue(replica.room);
      else if (replica.timeline.behind) this.perhaps(replica);
    }
  }

  /** Stop, as the connection is gone; `resume` and the next sync begin anew. */
  stop(): void {
    for (const timer of this.timers.values()) timer.cancel();
    this.timers.clear();
    this.rooms = [];
    this.round = undefined;
    this.again = this.running = false;
    this.job += 1;
  }

  /** Fetch until the room is at its head, one request at a time. Rejects with what `call` rejects with. */
  repair(replica: Replica, wanted = () => true): Promise<void> {
    // The app opens a room that is being repaired anyway: whoever comes second finds nothing left to ask.
    const before = this.repairs.get(replica) ?? Promise.resolve();
    const repaired = before.catch(() => {}).then(() => this.fetchMissing(replica, wanted));
    this.repairs.set(replica, repaired);
    return repaired;
  }

  private async fetchMissing(replica: Replica, wanted: () => boolean): Promise<void> {
    const ask = (type: string, fields: Packet) => this.call({ type, room: replica.room, ...fields }, wanted);
    for (let plan; (plan = replica.timeline.plan()); ) {
      if (plan === "jump" || !(await this.log(replica, ask, plan))) await this.jump(replica, ask);
    }
  }

  /** Bring the cached messages from `low` to `high` up to date (protocol.md, "Positions, gaps and repair"). Rejects with
   * what `call` rejects with. */
  async refresh(replica: Replica, low: number, high: number): Promise<void> {
    const { timeline } = replica;
    for (let round = 0; round < STALE_ROUNDS; round++) {
      const part = timeline.cached.stale(low, high, timeline.applied);
      if (!part) return;
      const [from, to, since] = part;
      const reply = await this.call({ type: "changes", room: replica.room, low: from, high: to, since }, () => true);
      this.account.publish(replica, replica.countedIn(timeline.takeChanges(reply as ChangesReply, part)));
    }
  }

  private async log(replica: Replica, ask: Ask, plan: Packet): Promise<boolean> {
    const reply = (await ask("log", plan)) as LogReply;
    this.account.matchOwn(reply.events);
    const [helped, changes] = replica.timeline.takeLog(reply);
    this.account.publish(replica, replica.countedIn(changes));
    return helped;
  }

  private async jump(replica: Replica, ask: Ask): Promise<void> {
    const reply = (await ask("history", { limit: JUMP_PAGE })) as HistoryReply;
    this.account.matchOwn(reply.events);
    this.account.publish(replica, replica.timeline.takeNewest(reply));
    // A jump skips messages, so the unread number cannot be derived from them: fetch it.
    const { summary } = (await ask("room.get", {})) as RoomGetReply;
    this.account.takeSummary(summary);
  }

  // The one job.

  private waited(room: string): void {
    this.timers.delete(room);
    if (this.account.replicas.get(room)?.timeline.behind) this.queue(room);
  }

  private queue(room: string): void {
    if (this.rooms.includes(room)) return;
    if (this.account.focused.includes(room)) this.rooms.unshift(room);
    else this.rooms.push(room);
    this.run();
  }

  private run(): void {
    if (this.running) return;
    this.running = true;
    const job = ++this.job;
    this.work(job)
      .catch((error: unknown) => this.settings.log(`repair failed: ${error}`))
      .finally(() => {
        if (job === this.job) this.running = false;
      });
  }

  private async work(job: number): Promise<void> {
    // The caller is in the middle of a frame: what follows in it comes first.
    await undefined;
    while (job === this.job && (this.round || this.rooms.length)) {
      try {
        const first = this.rooms[0];
        const focused = first !== undefined && (!this.round || this.account.focused.includes(first));
        await (focused ? this.nextRoom(job) : this.nextPage(job));
      } catch (error) {
        // A lost connection ends this job; here it only does not answer.
        if (job !== this.job) return;
        this.settings.log(`repair takes long: ${error}`);
        if (error instanceof ChatError) await wait(this.env, pauseS(this.settings.timing, error.retry_after));
        else if (!(error instanceof Unreachable)) throw error;
      }
    }
  }

  /** Repair the first room that waits; it is queued again when that has to be done later. */
  private async nextRoom(job: number): Promise<void> {
    const replica = this.account.replicas.get(this.rooms.shift()!);
    if (!replica) return;
    try {
      await this.repair(replica, () => job === this.job);
    } catch (error) {
      if (job !== this.job) return;
      if (error instanceof ChatError && error.retry !== "later") {
        this.settings.log(`room ${replica.room} cannot be repaired: ${error.message}`);
        return;
      }
      this.queue(replica.room);
      throw error;
    }
  }

  private async nextPage(job: number): Promise<void> {
    const asked = this.round!;
    try {
      const reply = await this.call({ type: "sync", ...asked, rooms: this.page }, () => job === this.job);
      if (job === this.job) this.takePage(this.account.takeSync(reply as SyncPage));
    } catch (error) {
      if (job !== this.job || !(error instanceof ChatError) || error.retry === "later") throw error;
      const anew = error.retry === "after_sync" && Object.keys(asked).length > 0;
      if (anew) this.account.beginRound();
      else this.settings.log(`the sync is left unfinished: ${error.message}`);
      this.round = anew ? {} : undefined;
    }
  }

  private takePage(more: string): void {
    this.round = more ? { more } : undefined;
    if (!this.again || more) return;
    this.again = false;
    this.account.beginRound();
    this.round = startOf(this.account);
  }
}

/** Return the first request of a sync: from the cursor, or from the beginning. */
export function startOf({ cursor }: Account): Packet {
  return cursor ? { cursor } : {};
}
