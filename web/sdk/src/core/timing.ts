/** The durations of the client in seconds, each with its reason. The defaults are those of protocol.md; tests shrink them. */

export interface Timing {
  readonly backoffBaseS: number;
  readonly backoffCapS: number;
  readonly backoffBackgroundCapS: number;
  /** Seconds in READY after which the backoff begins again at its base (protocol.md, "States"). */
  readonly backoffCalmS: number;
  /** Spread of the attempt after the network is back or the app is in front (protocol.md, "States"). */
  readonly wakeJitterS: number;
  /** Wait behind a captive portal (protocol.md, "Rules for mobile clients"). */
  readonly portalWaitS: number;
  /** TCP, TLS and upgrade together: as long as the server allows for the hello. */
  readonly openS: number;
  /** Time without an answer after which a request makes the client probe the link (protocol.md, "States"). */
  readonly requestS: number;
  /** Time for the answer to a probe, and the least time between two (protocol.md, "States"). */
  readonly probeS: number;
  /** Silence beyond the heartbeat that proves the link dead (protocol.md, "States"). */
  readonly deadS: number;
  /** Time for the peer to finish a close (protocol.md, "bye"). */
  readonly closeS: number;
  /** Time that a call of the public interface waits for connection and reply together, by default. */
  readonly callS: number;
  /** Wait before a hole is repaired: most holes are reordering and close by themselves (protocol.md, "Positions, gaps and repair"). */
  readonly gapS: number;
  /** At most one read mark per room in this time (protocol.md, "read"). */
  readonly readS: number;
  /** At most one delivered mark in this time (protocol.md, "delivered"). */
  readonly deliveredS: number;
  /** At most one typing signal per room in this time (protocol.md, "typing"). */
  readonly typingS: number;
  /** Time for which a typing signal is shown (protocol.md, "typing"). */
  readonly typingShownS: number;
  /** Pause after a failed renewal of the token; the server warns 60 s ahead (protocol.md, "auth, token_expiring"). */
  readonly tokenRetryS: number;
  /** Pause after `later` without `retry_after`; doubles up to the cap of the backoff. */
  readonly laterS: number;
}

export const TIMING: Timing = {
  backoffBaseS: 1,
  backoffCapS: 60,
  backoffBackgroundCapS: 900,
  backoffCalmS: 30,
  wakeJitterS: 1,
  portalWaitS: 30,
  openS: 10,
  requestS: 10,
  probeS: 5,
  deadS: 15,
  closeS: 5,
  callS: 30,
  gapS: 0.5,
  readS: 2,
  deliveredS: 5,
  typingS: 3,
  typingShownS: 6,
  tokenRetryS: 10,
  laterS: 1,
};

/** Return the pause after a refusal with `later`, in seconds; `retryAfter` is what it said, in milliseconds. */
export function pauseS(timing: Timing, retryAfter: number | undefined): number {
  return retryAfter === undefined ? timing.laterS : retryAfter / 1000;
}
