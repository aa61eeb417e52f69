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
  private readonly _timers = new Map<string, Timer>();
  private readonly _repairs = new WeakMap<Replica, Promise<void>>();
  private _rooms: string[] = [];
  // The next request of the sync that is under way; an empty one: a full sync.
  private _round: Packet | undefined;
  // Whether a sync is to begin when the one under way has ended.
  private _again = false;
  // The job that is in force has this number; any other ends at its next step.
  private _job = 0;
  private _running = false;

  constructor(
    private readonly _call: Call,
    private readonly _account: Account,
    private readonly _env: Env,
    private readonly _settings: Settings,
  ) {}

  /** Repair a hole: at once if the server announced it, else after a moment, unless it closes by itself (protocol.md,
   * "Positions, gaps and repair"). */
  soon(replica: Replica): void {
    const { room } = replica;
    if (replica.timeline.knownHole) this._queue(room);
    else if (!this._timers.has(room)) {
      this._timers.set(room, this._env.callLater(this._settings.timing.gapS, () => this._waited(room)));
    }
  }

  /** Repair a room that moved on: at once if it is on the screen or wanted anyway, else when it is opened. */
  perhaps(replica: Replica): void {
    if (this._settings.prefetch || this._account.focused.includes(replica.room)) this._queue(replica.room);
  }

  /** Fetch the further pages of a sync. */
  pages(more: string): void {
    this._takePage(more);
    this._run();
  }

  /** Whether pages of a sync are still to come. */
  get inRound(): boolean {
    return this._round !== undefined;
  }

  /** Begin a sync behind the one under way: only a round from here on has all that changed (protocol.md, "account"). */
  syncAgain(): void {
    this._again = true;
    if (!this._round) this._takePage("");
    this._run();
  }

  /** Repair every hole that was left, on a new connection. */
  resume(): void {
    for (const replica of this._account.replicas.values()) {
      if (replica.timeline.buffer.size) this._queue(replica.room);
      else if (replica.timeline.behind) this.perhaps(replica);
    }
  }

  /** Stop, as the connection is gone; `resume` and the next sync begin anew. */
  stop(): void {
    for (const timer of this._timers.values()) timer.cancel();
    this._timers.clear();
    this._rooms = [];
    this._round = undefined;
    this._again = this._running = false;
    this._job += 1;
  }

  /** Fetch until the room is at its head, one request at a time. Rejects with what `call` rejects with. */
  repair(replica: Replica, wanted = () => true): Promise<void> {
    // The app opens a room that is being repaired anyway: whoever comes second finds nothing left to ask.
    const before = this._repairs.get(replica) ?? Promise.resolve();
    const repaired = before.catch(() => {}).then(() => this._fetchMissing(replica, wanted));
    this._repairs.set(replica, repaired);
    return repaired;
  }

  private async _fetchMissing(replica: Replica, wanted: () => boolean): Promise<void> {
    const ask = (type: string, fields: Packet) => this._call({ type, room: replica.room, ...fields }, wanted);
    for (let plan; (plan = replica.timeline.plan()); ) {
      if (plan === "jump" || !(await this._log(replica, ask, plan))) await this._jump(replica, ask);
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
      const reply = await this._call({ type: "changes", room: replica.room, low: from, high: to, since }, () => true);
      this._account.publish(replica, replica.countedIn(timeline.takeChanges(reply as ChangesReply, part)));
    }
  }

  private async _log(replica: Replica, ask: Ask, plan: Packet): Promise<boolean> {
    const reply = (await ask("log", plan)) as LogReply;
    this._account.matchOwn(reply.events);
    const [helped, changes] = replica.timeline.takeLog(reply);
    this._account.publish(replica, replica.countedIn(changes));
    return helped;
  }

  private async _jump(replica: Replica, ask: Ask): Promise<void> {
    const reply = (await ask("history", { limit: JUMP_PAGE })) as HistoryReply;
    this._account.matchOwn(reply.events);
    this._account.publish(replica, replica.timeline.takeNewest(reply));
    // A jump skips messages, so the unread number cannot be derived from them: fetch it.
    const { summary } = (await ask("room.get", {})) as RoomGetReply;
    this._account.takeSummary(summary);
  }

  // The one job.

  private _waited(room: string): void {
    this._timers.delete(room);
    if (this._account.replicas.get(room)?.timeline.behind) this._queue(room);
  }

  private _queue(room: string): void {
    if (this._rooms.includes(room)) return;
    if (this._account.focused.includes(room)) this._rooms.unshift(room);
    else this._rooms.push(room);
    this._run();
  }

  private _run(): void {
    if (this._running) return;
    this._running = true;
    const job = ++this._job;
    this._work(job)
      .catch((error: unknown) => this._settings.log(`repair failed: ${error}`))
      .finally(() => {
        if (job === this._job) this._running = false;
      });
  }

  private async _work(job: number): Promise<void> {
    // The caller is in the middle of a frame: what follows in it comes first.
    await undefined;
    while (job === this._job && (this._round || this._rooms.length)) {
      try {
        const first = this._rooms[0];
        const focused = first !== undefined && (!this._round || this._account.focused.includes(first));
        await (focused ? this._nextRoom(job) : this._nextPage(job));
      } catch (error) {
        // A lost connection ends this job; here it only does not answer.
        if (job !== this._job) return;
        this._settings.log(`repair is slow: ${error}`);
        if (error instanceof ChatError) await wait(this._env, pauseS(this._settings.timing, error.retry_after));
        else if (!(error instanceof Unreachable)) throw error;
      }
    }
  }

  /** Repair the first room that waits; it is queued again when that has to be done later. */
  private async _nextRoom(job: number): Promise<void> {
    const replica = this._account.replicas.get(this._rooms.shift()!);
    if (!replica) return;
    try {
      await this.repair(replica, () => job === this._job);
    } catch (error) {
      if (job !== this._job) return;
      if (error instanceof ChatError && error.retry !== "later") {
        this._settings.log(`room ${replica.room} cannot be repaired: ${error.message}`);
        return;
      }
      this._queue(replica.room);
      throw error;
    }
  }

  private async _nextPage(job: number): Promise<void> {
    const asked = this._round!;
    try {
      const reply = await this._call({ type: "sync", ...asked, rooms: this.page }, () => job === this._job);
      if (job === this._job) this._takePage(this._account.takeSync(reply as SyncPage));
    } catch (error) {
      if (job !== this._job || !(error instanceof ChatError) || error.retry === "later") throw error;
      const anew = error.retry === "after_sync" && Object.keys(asked).length > 0;
      if (anew) this._account.beginRound();
      else this._settings.log(`sync unfinished: ${error.message}`);
      this._round = anew ? {} : undefined;
    }
  }

  private _takePage(more: string): void {
    this._round = more ? { more } : undefined;
    if (!this._again || more) return;
    this._again = false;
    this._account.beginRound();
    this._round = startOf(this._account);
  }
}

/** Return the first request of a sync: from the cursor, or from the beginning. */
export function startOf({ cursor }: Account): Packet {
  return cursor ? { cursor } : {};
}
