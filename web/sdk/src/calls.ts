/** Requests that outlive connections, and those who wait: for a reply, for the acknowledgement of an entry of the outbox,
 * for a phase. */

import type { Change } from "./core/changes.js";
import { ChatError, Closed, ConnectionLost, Unreachable } from "./core/errors.js";
import type { Packet } from "./core/packets.js";
import type { Phase } from "./core/states.js";
import { pauseS, type Timing } from "./core/timing.js";
import { wait, type Env, type Timer } from "./env.js";
import type { Lifecycle } from "./lifecycle.js";
import type { Receipt } from "./sender.js";

/** The part of an engine that waits. */
export abstract class Caller {
  abstract readonly env: Env;
  abstract readonly timing: Timing;
  abstract readonly lifecycle: Lifecycle;
  abstract readonly phase: Phase;
  abstract readonly closed: Closed | undefined;
  private readonly _waiting = new Map<string, (change: Change) => void>();
  private readonly _deciders: (() => void)[] = [];

  abstract tell(name: "discard", key: string): void;
  abstract post(packet: Packet): Promise<string>;

  /** Wait until the phase is "ready". */
  connected(timeoutS: number): Promise<void> {
    const late = () => {
      const cause = this.lifecycle.trouble;
      return new Unreachable(`not connected in time: ${cause ?? "no answer"}`, { cause });
    };
    return this._within(timeoutS, late, async (isLate) => {
      while (this.phase !== "ready" && !isLate()) {
        if (this._isStopped) throw this._whyStopped();
        await this._decision();
      }
    });
  }

  /** Return the `ok` to a request, over as many connections as it takes within `timeoutS` seconds.
   *
   * Every request of the protocol may be repeated: reads, keyed mutations, replacements of a set. A refusal for now is
   * waited out if the time allows. Rejects with the `ChatError`, `Closed` or `Unreachable`, and with anything once it is
   * not `wanted` any more.
   */
  call(packet: Packet, timeoutS = this.timing.callS, wanted = () => true): Promise<Packet> {
    let refusal: ChatError | undefined;
    const late = () => refusal ?? new Unreachable(`no answer to ${packet.type} within ${timeoutS} s`);
    return this._within(timeoutS, late, async (isLate) => {
      while (!isLate() && wanted()) {
        const { connection, phase } = this.lifecycle;
        if (phase === "stopped") throw this._whyStopped();
        if (phase !== "ready" || !connection?.alive) {
          await this._decision();
          continue;
        }
        try {
          return await connection.request(packet);
        } catch (error) {
          if (error instanceof ConnectionLost) continue;
          if (!(error instanceof ChatError)) throw error;
          refusal = error;
          const pause = pauseS(this.timing, error.retry_after);
          if (!["later", "after_auth"].includes(error.retry) || pause > timeoutS) throw error;
          await wait(this.env, pause);
        }
      }
      throw late();
    });
  }

  /** Send by the outbox and wait for the acknowledgement; rejects with `Closed` when the client stops. */
  async deliver(packet: Packet): Promise<Receipt> {
    if (this._isStopped) throw this._whyStopped();
    const { key } = packet;
    const answered = new Promise<Receipt>((resolve, reject) => {
      this._waiting.set(key, (change) => {
        if (change.kind === "sendDone") resolve(change);
        if (change.kind === "stateChanged") reject(this._whyStopped());
        if (change.kind !== "sendFailed") return;
        // The caller knows; nobody else has to deal with it.
        this.tell("discard", key);
        reject(new ChatError(change.error));
      });
    });
    answered.catch(() => {});
    try {
      await this.post(packet);
      return await answered;
    } finally {
      this._waiting.delete(key);
    }
  }

  // Waiting.

  protected get _isStopped(): boolean {
    return this.phase === "stopped";
  }

  private _whyStopped(): Closed {
    return this.closed ?? new Closed(0, "not started", this.lifecycle.trouble);
  }

  /** Wait for the next phase. */
  private _decision(): Promise<void> {
    return new Promise((resolve) => this._deciders.push(resolve));
  }

  /** Hear what those who wait are waiting for. */
  protected _hear(change: Change): void {
    if ("key" in change) this._waiting.get(change.key)?.(change);
    if (change.kind !== "stateChanged") return;
    for (const resolve of this._deciders.splice(0)) resolve();
    if (change.phase === "stopped") for (const hear of [...this._waiting.values()]) hear(change);
  }

  /** Return what `work` returns, or reject with what `late` makes after `timeoutS` seconds; the work hears of that. */
  private async _within<T>(
    timeoutS: number, late: () => Error, work: (isLate: () => boolean) => Promise<T>,
  ): Promise<T> {
    let timer: Timer | undefined;
    let over = false;
    const timeout = new Promise<never>((_, reject) => {
      if (timeoutS === Infinity) return;
      timer = this.env.callLater(timeoutS, () => {
        over = true;
        reject(late());
      });
    });
    try {
      return await Promise.race([work(() => over), timeout]);
    } finally {
      timer?.cancel();
    }
  }
}
