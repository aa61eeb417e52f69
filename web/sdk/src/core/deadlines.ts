/** The moments at which a link is to be probed, and at which it is dead (protocol.md, "States" and "ping, pong"); pure,
 * time comes in as an argument. */

import type { Timing } from "./timing.js";

/** The action a link needs at some moment; the other texts are reasons to drop it. */
export type Verdict = "wait" | "probe" | "silent" | "no answer to a ping";

/** The three deadlines of one connection: silence, an unanswered request, an unanswered probe.
 *
 * Times are monotonic seconds; `askedAt` is when the oldest unanswered request was sent.
 */
export class Deadlines {
  private _probedAt = -Infinity;
  private _probing = false;

  constructor(private readonly _timing: Timing, public heartbeatS: number, private _heardAt: number) {}

  /** Note that a frame came in. */
  heard(now: number): void {
    this._heardAt = now;
  }

  /** Return the seconds since the last frame. */
  silentS(now: number): number {
    return now - this._heardAt;
  }

  /** Whether a ping may be sent now; if so, it counts as sent. */
  probe(now: number): boolean {
    if (this._probing || now < this._nextProbeAt) return false;
    this._probing = true;
    this._probedAt = now;
    return true;
  }

  /** Note that the ping was answered. */
  answered(): void {
    this._probing = false;
  }

  /** Return the time of the earliest deadline. */
  nextAt(askedAt: number | undefined): number {
    if (this._probing) return Math.min(this._deadAt, this._nextProbeAt);
    if (askedAt === undefined) return this._deadAt;
    return Math.min(this._deadAt, Math.max(askedAt + this._timing.requestS, this._nextProbeAt));
  }

  /** Return the action the link needs now. */
  verdict(now: number, askedAt: number | undefined): Verdict {
    if (now >= this._deadAt) return "silent";
    if (this._probing) return now >= this._nextProbeAt ? "no answer to a ping" : "wait";
    return askedAt !== undefined && now >= askedAt + this._timing.requestS ? "probe" : "wait";
  }

  private get _deadAt(): number {
    return this._heardAt + this.heartbeatS + this._timing.deadS;
  }

  private get _nextProbeAt(): number {
    // The time for the answer is also the least time between two probes.
    return this._probedAt + this._timing.probeS;
  }
}
