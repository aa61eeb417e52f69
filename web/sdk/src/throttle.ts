/** The limit of one action per interval, the last one never lost: for read marks, delivered marks, typing. */

import type { Env, Timer } from "./env.js";

/** A throttle per key: the first touch fires at once, later ones fire once, when the interval is over. */
export class Throttle {
  private readonly resting = new Map<string, Timer>();
  private readonly touched = new Set<string>();

  constructor(
    private readonly env: Env,
    private readonly intervalS: number,
    private readonly fire: (key: string) => void,
  ) {}

  /** Fire for `key`, now or at the end of its interval. */
  touch(key: string): void {
    if (this.resting.has(key)) this.touched.add(key);
    else this.go(key);
  }

  /** Fire for `key` now, or not at all when it is too early. */
  touchNowOrNever(key: string): void {
    if (!this.resting.has(key)) this.go(key);
  }

  /** Fire for `key` when its interval and `pauseS` are over, whatever touches it before. */
  touchLater(key: string, pauseS: number): void {
    this.resting.get(key)?.cancel();
    this.touched.add(key);
    this.rest(key, Math.max(this.intervalS, pauseS));
  }

  /** Cancel every timer and forget everything that waits. */
  stop(): void {
    for (const timer of this.resting.values()) timer.cancel();
    this.resting.clear();
    this.touched.clear();
  }

  private go(key: string): void {
    this.rest(key, this.intervalS);
    this.fire(key);
  }

  private rest(key: string, intervalS: number): void {
    this.resting.set(key, this.env.callLater(intervalS, () => this.rested(key)));
  }

  private rested(key: string): void {
    this.resting.delete(key);
    if (this.touched.delete(key)) this.go(key);
  }
}
