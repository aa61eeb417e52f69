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
  private probedAt = -Infinity;
  private probing = false;

  constructor(private readonly timing: Timing, public heartbeatS: number, private heardAt: number) {}

  /** Note that a frame came in. */
  heard(now: number): void {
    this.heardAt = now;
  }

  /** Return the seconds since the last frame. */
  silentS(now: number): number {
    return now - this.heardAt;
  }

  /** Whether a ping may be sent now; if so, it counts as sent. */
  probe(now: number): boolean {
    if (this.probing || now < this.nextProbeAt) return false;
    this.probing = true;
    this.probedAt = now;
    return true;
  }

  /** Note that the ping was answered. */
  answered(): void {
    this.probing = false;
  }

  /** Return the time of the earliest deadline. */
  nextAt(askedAt: number | undefined): number {
    if (this.probing) return Math.min(this.deadAt, this.nextProbeAt);
    if (askedAt === undefined) return this.deadAt;
    return Math.min(this.deadAt, Math.max(askedAt + this.timing.requestS, this.nextProbeAt));
  }

  /** Return the action the link needs now. */
  verdict(now: number, askedAt: number | undefined): Verdict {
    if (now >= this.deadAt) return "silent";
    if (this.probing) return now >= this.nextProbeAt ? "no answer to a ping" : "wait";
    return askedAt !== undefined && now >= askedAt + this.timing.requestS ? "probe" : "wait";
  }

  private get deadAt(): number {
    return this.heardAt + this.heartbeatS + this.timing.deadS;
  }

  private get nextProbeAt(): number {
    // The time for the answer is also the least time between two probes.
    return this.probedAt + this.timing.probeS;
  }
}
