/** The life cycle: from token to connection to backoff and round again (protocol.md, "States").
 *
 * `Lifecycle` owns the phase and nothing else may assign it. It does not look into what a connection carries: a
 * `LifecycleDelegate` gives the hello, takes replies and pushes, and learns when it can work and when it cannot.
 */

import {
  ending, HELLO_HEARTBEAT_S, openConnection, type Connection, type Ending, type Link, type Reply,
} from "./connection.js";
import { ChatError, Closed, TokenRejected } from "./core/errors.js";
import { LIMITS } from "./core/limits.js";
import type { HelloReply, Packet } from "./core/packets.js";
import { advance, Backoff, closeRule, type Phase, type Trigger } from "./core/states.js";
import type { Tokens } from "./tokens.js";

/** Revision of the protocol this client speaks. */
export const VERSION = 1;

const HELLO_REFUSALS: Readonly<Record<string, number>> = { token_expired: 4100, token_invalid: 4101, bad_cursor: 4005 };
const RETRY_CODES: Readonly<Record<string, number>> = { after_auth: 4100, never: 4204 };

/** The rest of the client, which works on a connection. All calls are synchronous and in the order of events. */
export interface LifecycleDelegate extends Link {
  /** Return the hello packet. */
  hello(token: string): Packet;
  /** Send more behind the hello, which is on its way. */
  onOpened(connection: Connection): void;
  /** Take the hello reply; dropping the connection here refuses it. */
  onWelcomed(connection: Connection, reply: HelloReply): void;
  /** Handle the loss of the connection. */
  onLost(ending: Ending): void;
  /** Take the new phase; `closed` is the reason of "stopped". */
  onPhase(phase: Phase, closed: Closed | undefined): void;
}

/** Thrown inside of a loop that was ended meanwhile. */
const ABANDONED = Symbol("abandoned");

/** The loop that keeps one client connected while it should be. */
export class Lifecycle {
  phase: Phase = "stopped";
  closed: Closed | undefined;
  /** The failure of the last attempt; undefined once one succeeded. */
  trouble: unknown;
  connection: Connection | undefined;
  background = false;
  private _movedTo = "";
  private readonly _backoff: Backoff;
  // The loop that is in force has this number; any other abandons its work at its next step.
  private _loop = 0;
  private _cut: ((early: boolean) => void) | undefined;

  constructor(
    private readonly _url: string,
    private readonly _tokens: Tokens,
    private readonly _delegate: LifecycleDelegate,
  ) {
    this._backoff = new Backoff(_delegate.timing.backoffBaseS, _delegate.timing.backoffCalmS);
  }

  /** Leave "stopped"; anywhere else it does nothing. */
  start(): void {
    if (this.phase !== "stopped") return;
    this.closed = undefined;
    this._run("start");
  }

  /** Move to "stopped", after an ordinary close. */
  async stop(): Promise<void> {
    if (this.phase === "stopped") return;
    const ended = this._end(1000);
    this._stopped(new Closed(0, "stopped"));
    await ended;
  }

  /** Move to "suspended": closed with 1001, and no timer until `wake` (protocol.md, "States"). */
  async suspend(): Promise<void> {
    if (this.phase === "stopped" || this.phase === "suspended") return;
    const ended = this._end(1001);
    this._move("suspend");
    await ended;
  }

  /** Connect soon: the app is in front, or the network is back (protocol.md, "States"). */
  wake(): void {
    this._backoff.reset();
    if (this.phase === "suspended") this._run("resume");
    else if (this.phase === "backoff") this._cut?.(true);
  }

  /** Leave also a temporary "stopped" (4200, 4205): the app is in front. */
  revive(): void {
    if (this.closed && closeRule(this.closed.code).then === "stop_until_foreground") this.start();
    this.wake();
  }

  // The loop.

  private _run(trigger: Trigger): void {
    this._move(trigger);
    void this._live(++this._loop);
  }

  /** Close the connection and end the loop; the phase is still the old one. */
  private _end(code: number): Promise<void> | undefined {
    this._loop += 1;
    this._cut?.(false);
    return this.connection?.close(code);
  }

  private async _live(loop: number): Promise<void> {
    try {
      for (;;) await this._attempt(loop);
    } catch (error) {
      if (error === ABANDONED || loop !== this._loop) return;
      if (error instanceof TokenRejected) return this._giveUp(new Closed(4101, "token_invalid"));
      this._delegate.log(`the life cycle failed: ${(error as Error).stack}`);
      this._giveUp(new Closed(1011, "internal"));
    }
  }

  /** Return what is awaited, unless the loop was ended meanwhile. */
  private async _still<T>(loop: number, awaited: Promise<T>): Promise<T> {
    try {
      return await awaited;
    } finally {
      if (loop !== this._loop) throw ABANDONED;
    }
  }

  /** Go from "connecting" round to "connecting", or to "stopped". */
  private async _attempt(loop: number): Promise<void> {
    const token = this._tokens.usable(this._now()) || (await this._newToken(loop));
    const url = this._movedTo || this._url;
    let connection;
    try {
      connection = await this._still(loop, openConnection(url, this._delegate, () => loop === this._loop));
    } catch (error) {
      if (error === ABANDONED) throw error;
      this.trouble = error;
      // If the server had moved this client to it, the old address knows better by now.
      this._movedTo = "";
      return this._waitOut(loop, url);
    }
    await this._follow(loop, await this._still(loop, this._serve(connection, token)));
  }

  /** Carry out the rule of the close code (protocol.md, "Close codes"). */
  private async _follow(loop: number, { code, reason, retryAfterS }: Ending): Promise<void> {
    const rule = closeRule(code);
    if (rule.ourBug) {
      this._delegate.log(`closed with ${code} ${reason}: a fault of this client`);
      this._backoff.toCap(this._capS());
    }
    if (rule.then === "reconnect") return this._wait(loop, this._delayS(retryAfterS));
    if (rule.then === "new_token") {
      const again = this._tokens.refused(code);
      // A token signed sooner would be no better.
      await this._newToken(loop, again || retryAfterS ? this._delayS(retryAfterS) : 0);
      return;
    }
    this._giveUp(new Closed(code, reason, this.trouble));
    throw ABANDONED;
  }

  /** Stay in "need_token" until the app returns a token that may be used. */
  private async _newToken(loop: number, delayS = 0): Promise<string> {
    this._move("wants_token");
    for (;;) {
      await this._sleep(loop, delayS);
      try {
        const token = await this._still(loop, this._tokens.fetch());
        this._move("token");
        return token;
      } catch (error) {
        if (error === ABANDONED || error instanceof TokenRejected) throw error;
        // Whatever the callback of the app throws: it is called again, more and more slowly.
        this._delegate.log(`no token: ${error}`);
        this.trouble = error;
        delayS = this._delayS();
      }
    }
  }

  /** Say hello and work until the connection ends. */
  private _serve(connection: Connection, token: string): Promise<Ending> {
    return new Promise((resolve) => {
      let refusal: Ending | undefined;
      connection.onEnd = (reason) => {
        // A bye or close code is authoritative; without one the refusal of the hello is the best there is.
        const ended = refusal && reason.code === 0 ? refusal : reason;
        this.connection = undefined;
        this._movedTo = ended.to || this._movedTo;
        this._backoff.lost(this._now());
        this._delegate.onLost(ended);
        resolve(ended);
      };
      this.connection = connection;
      connection.ask(this._delegate.hello(token), (reply) => {
        refusal = this._welcomed(connection, reply);
      });
      this._move("opened");
      this._delegate.onOpened(connection);
    });
  }

  private _welcomed(connection: Connection, reply: Reply): Ending | undefined {
    if (reply instanceof ChatError) {
      this._delegate.log(`hello refused: ${reply.message}`);
      this.trouble = reply;
      return refusalOf(reply);
    }
    if (reply === undefined) return undefined;
    const hello = reply as HelloReply;
    connection.accepted(hello.heartbeat ?? HELLO_HEARTBEAT_S, { ...LIMITS, ...hello.limits });
    this._tokens.accepted(hello.token_ttl ?? Infinity, this._now());
    this._backoff.ready(this._now());
    this.trouble = undefined;
    this._delegate.onWelcomed(connection, hello);
    if (connection.alive) this._move("welcome");
    return undefined;
  }

  // Waiting.

  /** Back off, or wait behind a captive portal, which is no reason to back off further (protocol.md, "Rules for mobile
   * clients"). */
  private async _waitOut(loop: number, url: string): Promise<void> {
    const { env, timing } = this._delegate;
    const portal = env.isPortal && (await this._still(loop, env.isPortal(url)));
    await this._wait(loop, portal ? timing.portalWaitS : this._delayS());
  }

  private async _wait(loop: number, delayS: number): Promise<void> {
    this._move("dropped");
    await this._sleep(loop, delayS);
    this._move("timer");
  }

  /** Sleep unless `wake` ends it: then for a last random moment, so that not all clients come at once. */
  private async _sleep(loop: number, delayS: number): Promise<void> {
    const { env, timing } = this._delegate;
    if (delayS <= 0) return;
    const early = await this._still(loop, this._pauseFor(delayS));
    if (early) await this._still(loop, this._pauseFor(env.random() * timing.wakeJitterS));
  }

  /** Sleep for `delayS` or until `cut`; return whether it was cut short. */
  private _pauseFor(delayS: number): Promise<boolean> {
    return new Promise((resolve) => {
      const done = (early: boolean) => {
        timer.cancel();
        this._cut = undefined;
        resolve(early);
      };
      const timer = this._delegate.env.callLater(delayS, () => done(false));
      this._cut = done;
    });
  }

  private _delayS(atLeastS = 0): number {
    return this._backoff.delayS(this._delegate.env.random(), this._capS(), atLeastS);
  }

  private _capS(): number {
    const { backoffBackgroundCapS, backoffCapS } = this._delegate.timing;
    return this.background ? backoffBackgroundCapS : backoffCapS;
  }

  private _now(): number {
    return this._delegate.env.monotonic();
  }

  // The phase.

  private _move(trigger: Trigger): void {
    this.phase = advance(this.phase, trigger);
    this._delegate.onPhase(this.phase, this.closed);
  }

  private _giveUp(closed: Closed): void {
    this._loop += 1;
    this._stopped(closed);
  }

  private _stopped(closed: Closed): void {
    this.closed = closed;
    this._move("stop");
  }
}

/** Return a refused hello as the close it amounts to. */
function refusalOf(error: ChatError): Ending {
  const code = HELLO_REFUSALS[error.code] ?? RETRY_CODES[error.retry] ?? 0;
  return ending(code, error.code, (error.retry_after ?? 0) / 1000);
}
