/** The users who are typing, as far as the server tells: shown for 6 s or until their message comes (protocol.md,
 * "typing"). */

import type { ChangeFeed } from "./change_feed.js";
import type { TypingStarted } from "./core/changes.js";
import type { Env, Timer } from "./env.js";

/** The users who are typing in each room. */
export class TypingState {
  private readonly _timers = new Map<string, Omit<TypingStarted, "kind"> & { readonly timer: Timer }>();

  constructor(private readonly _env: Env, private readonly _shownS: number, private readonly _feed: ChangeFeed) {}

  /** Show a user as typing, or as speaking a `voice` message. */
  typing({ room, user, what = "text" }: Omit<TypingStarted, "kind">): void {
    const place = `${room} ${user}`;
    const running = this._timers.get(place);
    running?.timer.cancel();
    this._timers.set(place, { timer: this._env.callLater(this._shownS, () => this.stopped(room, user)), room, user, what });
    if (running?.what !== what) this._feed.emit({ kind: "typingStarted", room, user, what });
  }

  /** Show a user as typing no longer: their message came, or the time is over. */
  stopped(room: string, user: string): void {
    const place = `${room} ${user}`;
    this._timers.get(place)?.timer.cancel();
    if (this._timers.delete(place)) this._feed.emit({ kind: "typingStopped", room, user });
  }

  /** Return the users who are typing in a room. */
  inRoom(room: string): string[] {
    return [...this._timers.values()].filter((running) => running.room === room).map(({ user }) => user);
  }

  /** Forget all of them, as the connection is gone. */
  clear(): void {
    for (const { room, user } of [...this._timers.values()]) this.stopped(room, user);
  }
}
