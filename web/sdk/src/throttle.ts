/** The limit of one action per interval, the last one never lost: for read marks, delivered marks, typing. */

import type { Env, Timer } from "./env.js";

/** A throttle per key: the first touch fires at once, later ones fire once, when the interval is over. */
export class Throttle {
  private readonly _resting = new Map<string, Timer>();
  private readonly _touched = new Set<string>();

  constructor(
    private readonly _env: Env,
    private readonly _intervalS: number,
    private readonly _fire: (key: string) => void,
  ) {}

  /** Fire for `key`, now or at the end of its interval. */
  touch(key: string): void {
    if (this._resting.has(key)) this._touched.add(key);
    else this._go(key);
  }

  /** Fire for `key` now, or not at all when it is too early. */
  touchNowOrNever(key: string): void {
    if (!this._resting.has(key)) this._go(key);
  }

  /** Fire for `key` when its interval and `pauseS` are over, whatever touches it before. */
  touchLater(key: string, pauseS: number): void {
    this._resting.get(key)?.cancel();
    this._touched.add(key);
    this._rest(key, Math.max(this._intervalS, pauseS));
  }

  /** Cancel every timer and forget everything that waits. */
  stop(): void {
    for (const timer of this._resting.values()) timer.cancel();
    this._resting.clear();
    this._touched.clear();
  }

  private _go(key: string): void {
    this._rest(key, this._intervalS);
    this._fire(key);
  }

  private _rest(key: string, intervalS: number): void {
    this._resting.set(key, this._env.callLater(intervalS, () => this._rested(key)));
  }

  private _rested(key: string): void {
    this._resting.delete(key);
    if (this._touched.delete(key)) this._go(key);
  }
}
