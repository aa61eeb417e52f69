/** The life of a connection as a table, the action for each close code, and the backoff; pure.
 *
 * Everything that changes the phase is in TRANSITIONS, everything that depends on a close code in closeRule
 * (protocol.md, "States" and "Close codes"). Neither clock nor socket is known here: time comes in as an argument.
 */

/** The phases of a client (protocol.md, "States", client side). */
export type Phase = "stopped" | "connecting" | "hello_sent" | "ready" | "backoff" | "need_token" | "suspended";

/** The events that move a client from phase to phase. */
export type Trigger =
  | "start" | "opened" | "welcome" | "dropped" | "wants_token" | "token" | "timer" | "stop" | "suspend" | "resume";

type Steps = Partial<Record<Trigger, Phase>>;

const LIVING: Steps = { stop: "stopped", suspend: "suspended" };
const LINKED: Steps = { dropped: "backoff", wants_token: "need_token", ...LIVING };

const TRANSITIONS: Readonly<Record<Phase, Steps>> = {
  stopped: { start: "connecting" },
  connecting: { opened: "hello_sent", ...LINKED },
  hello_sent: { welcome: "ready", ...LINKED },
  ready: LINKED,
  backoff: { timer: "connecting", ...LIVING },
  need_token: { token: "connecting", ...LIVING },
  suspended: { resume: "connecting", stop: "stopped" },
};

/** Return the phase after `trigger`; throws when the table has no such step. */
export function advance(phase: Phase, trigger: Trigger): Phase {
  const next = TRANSITIONS[phase][trigger];
  if (!next) throw new Error(`${trigger} cannot happen while ${phase}`);
  return next;
}

/** The action of the client after a close. */
export type Then = "reconnect" | "new_token" | "stop" | "stop_until_foreground";

/** What the table of close codes says of one (protocol.md, "Close codes"). */
export interface CloseRule {
  readonly then: Then;
  /** Whether it is a fault of this client: wait as long as the cap says, and report. */
  readonly ourBug: boolean;
  readonly dropCursor: boolean;
  readonly smallerPages: boolean;
}

/** Return the rule for a close code; an unknown one is decided by its range, 0 and 1006 are link loss. */
export function closeRule(code: number): CloseRule {
  const range = Math.floor(code / 100);
  const then = range === 41 ? "new_token" : range === 42 ? "stop" : "reconnect";
  return {
    // Replaced by a newer connection, and too many connections of the user.
    then: [4200, 4205].includes(code) ? "stop_until_foreground" : then,
    ourBug: [1002, 1003, 1007, 1009, 4204].includes(code),
    dropCursor: code === 4005,
    smallerPages: code === 4002,
  };
}

/** The delay before the next attempt: `random * min(cap, base * 2**k)`, full jitter (protocol.md, "States").
 *
 * `k` grows with every attempt and returns to 0 only after `calmS` seconds in READY, so that a server that accepts and
 * drops this client is not hammered.
 */
export class Backoff {
  private _readyAt: number | undefined;
  k = 0;

  constructor(private readonly _baseS: number, private readonly _calmS: number) {}

  /** Note that READY was reached. */
  ready(now: number): void {
    this._readyAt = now;
  }

  /** Note that the connection ended. */
  lost(now: number): void {
    if (this._readyAt !== undefined && now - this._readyAt >= this._calmS) this.k = 0;
    this._readyAt = undefined;
  }

  /** Return the next delay; counts an attempt. `random` is in [0, 1), `atLeastS` a `retry_after`.
   *
   * A lower bound longer than the drawn delay is used as it is: the server that named it has spread it already.
   */
  delayS(random: number, capS: number, atLeastS = 0): number {
    const drawn = random * this._limitS(capS);
    this.k += 1;
    return Math.max(drawn, atLeastS);
  }

  /** Draw the next delay from the whole cap. */
  toCap(capS: number): void {
    while (this._limitS(capS) < capS) this.k += 1;
  }

  /** Begin again, after a validated network or the foreground (protocol.md, "States"). */
  reset(): void {
    this.k = 0;
  }

  private _limitS(capS: number): number {
    return Math.min(capS, this._baseS * 2 ** this.k);
  }
}
