/** One WebSocket from its upgrade to its end: frames, replies to requests, heartbeat; it never reconnects.
 *
 * All its state ends with it, so nothing of one connection can confuse the next (protocol.md, "Envelope" and "States").
 * Replies and pushes are handed on synchronously, in the order of their arrival; packets sent in one turn of the event
 * loop share a frame. One timer watches all deadlines.
 */

import type { Bytes, Codec } from "./core/codec.js";
import { Deadlines } from "./core/deadlines.js";
import { ChatError, ConnectionLost, HandshakeFailed } from "./core/errors.js";
import { HELLO_FRAME_BYTES, LIMITS, type Limits } from "./core/limits.js";
import type { ByePush, ErrorReply, Packet } from "./core/packets.js";
import { pauseS, type Timing } from "./core/timing.js";
import type { Env, Socket, Timer } from "./env.js";

/** The `ok` to a request, its refusal, or undefined when the outcome will never be known. */
export type Reply = Packet | ChatError | undefined;

export type OnReply = (reply: Reply) => void;

/** Heartbeat assumed until the hello reply names it. */
export const HELLO_HEARTBEAT_S = 30;

/** More than the head of a batch in either encoding. */
const FRAME_HEAD = 8;

/** The reason why a connection ended. `code` 0: no close frame came; `to`: another address to connect to (4004). */
export interface Ending {
  readonly code: number;
  readonly reason: string;
  readonly retryAfterS: number;
  readonly to: string;
}

export function ending(code: number, reason = "", retryAfterS = 0, to = ""): Ending {
  return { code, reason, retryAfterS, to };
}

/** What a connection is made of, and whom it tells. */
export interface Link {
  readonly env: Env;
  readonly timing: Timing;
  readonly codec: Codec;
  readonly log: (text: string) => void;
  /** Takes every packet that is neither reply nor heartbeat. */
  onPush(packet: Packet): void;
}

interface Pending {
  readonly askedAt: number;
  readonly onReply: OnReply;
}

/** Requests and pushes over one socket. */
export class Connection {
  limits: Limits = LIMITS;
  /** The first reason to end: `bye` is authoritative, the close frame only mirrors it (protocol.md, "bye"). */
  ending: Ending | undefined;
  /** Called once, synchronously, when nothing comes any more; every pending request is completed by then. */
  onEnd: (ending: Ending) => void = () => {};
  private _over = false;
  private _frameBytes = HELLO_FRAME_BYTES;
  private _outgoing: Bytes[][] = [];
  private readonly _pending = new Map<number, Pending>();
  private readonly _putOff = new Map<string, Timer>();
  private readonly _deadlines: Deadlines;
  private _inflating: Promise<void> | undefined;
  private _lastId = 0;
  private _watch: Timer | undefined;
  private _watchAt = 0;

  constructor(private readonly _socket: Socket, private readonly _link: Link) {
    this._deadlines = new Deadlines(_link.timing, HELLO_HEARTBEAT_S, _link.env.monotonic());
    _socket.onmessage = ({ data }: { data: unknown }) => this._take(data);
    _socket.onclose = ({ code, reason }: { code: number; reason: string }) => {
      this._finish(ending([1005, 1006].includes(code) ? 0 : code, reason));
    };
    this._rearm();
  }

  /** Whether anything may still be sent: after `bye` nothing is (protocol.md, "bye"). */
  get alive(): boolean {
    return this.ending === undefined;
  }

  // Sending.

  /** Send a packet that has no reply. */
  send(packet: Packet): void {
    if (this.alive) this._queue([this._link.codec.encode(packet)]);
  }

  /** Send a request; `onReply` is called exactly once. */
  ask(packet: Packet, onReply: OnReply): void {
    this.askTogether([[packet, onReply]]);
  }

  /** Send requests in one frame, in this order; the caller keeps it within the limits. */
  askTogether(requests: readonly (readonly [Packet, OnReply])[]): void {
    if (!this.alive) return requests.forEach(([, onReply]) => onReply(undefined));
    const group = requests.map(([packet, onReply]) => {
      const id = ++this._lastId;
      this._pending.set(id, { askedAt: this._link.env.monotonic(), onReply });
      // The envelope comes first, as protocol.md shows it: it makes frames easy to read.
      return this._link.codec.encode({ type: packet.type, id, ...packet });
    });
    this._queue(group);
    this._rearm();
  }

  /** Send the request that `current` returns; while it is refused for now, send what `current` returns by then, as long
   * as this connection lives. Any other answer is the reply. */
  askUntilTaken(current: () => Packet, onReply: OnReply): void {
    const packet = current();
    this.ask(packet, (reply) => {
      if (!(reply instanceof ChatError) || reply.retry !== "later") return onReply(reply);
      this._putOff.get(packet.type)?.cancel();
      const pause = pauseS(this._link.timing, reply.retry_after);
      this._putOff.set(packet.type, this._link.env.callLater(pause, () => this.askUntilTaken(current, onReply)));
    });
  }

  /** Send a request and return its `ok`; rejects with its `ChatError`, or `ConnectionLost` when the outcome is
   * unknown. */
  request(packet: Packet): Promise<Packet> {
    return new Promise((resolve, reject) => {
      this.ask(packet, (reply) => {
        if (reply === undefined) reject(new ConnectionLost());
        else if (reply instanceof ChatError) reject(reply);
        else resolve(reply);
      });
    });
  }

  /** Put the heartbeat and limits of the hello reply in force. */
  accepted(heartbeatS: number, limits: Limits): void {
    this.limits = limits;
    this._frameBytes = limits.frame_bytes;
    this.setHeartbeat(heartbeatS);
  }

  /** Set the seconds of silence after which the server pings. */
  setHeartbeat(heartbeatS: number): void {
    this._deadlines.heartbeatS = heartbeatS;
    this._rearm();
  }

  /** Send a ping; no answer within `probeS` drops the connection. At most one ping per `probeS`. */
  probe(): void {
    if (this.alive && this._deadlines.probe(this._link.env.monotonic())) {
      this.ask({ type: "ping" }, (reply) => this._probed(reply));
    }
  }

  /** Return the seconds since the last frame came in. */
  silentS(): number {
    return this._deadlines.silentS(this._link.env.monotonic());
  }

  // Ending.

  /** End at once, without waiting for the peer: for a link that is thought dead, or a peer that breaks the protocol. */
  drop(reason: string, code = 1006): void {
    this._closeSocket(1000);
    this._finish(ending(code, reason));
  }

  /** Write everything queued, then end with a close handshake; resolves when the peer has finished it, or took too
   * long. */
  close(code: number, reason = ""): Promise<void> {
    this._write();
    this._closeSocket(code);
    this._finish(ending(code, reason));
    return new Promise((resolve) => {
      const timer = this._link.env.callLater(this._link.timing.closeS, resolve);
      this._socket.onclose = () => {
        timer.cancel();
        resolve();
      };
    });
  }

  private _closeSocket(code: number): void {
    // A page may give no other code (protocol.md, "Rules for mobile clients").
    this._socket.close(code < 3000 ? 1000 : code);
  }

  private _finish(reason: Ending): void {
    if (this._over) return;
    this._over = true;
    this.ending ??= reason;
    this._socket.onmessage = this._socket.onclose = this._socket.onerror = null;
    for (const timer of [this._watch, ...this._putOff.values()]) timer?.cancel();
    const pending = [...this._pending.values()];
    this._pending.clear();
    for (const { onReply } of pending) onReply(undefined);
    this.onEnd(this.ending);
  }

  // Receiving.

  private _take(data: unknown): void {
    const { codec, env } = this._link;
    this._deadlines.heard(env.monotonic());
    try {
      const packets = codec.decode(data);
      if (!("then" in packets) && !packets[1] && !this._inflating) return void this._handle(packets);
      // Frames are handled in their order: this one, and those that come meanwhile, wait for it.
      const mine = Promise.all([packets, this._inflating])
        .then(([inflated]) => this._handle(inflated), (error: unknown) => this._bad(error))
        .then(() => {
          if (this._inflating === mine) this._inflating = undefined;
        });
      this._inflating = mine;
    } catch (error) {
      this._bad(error);
    }
  }

  private async _handle(packets: readonly Packet[]): Promise<void> {
    try {
      for (const packet of packets) {
        if (this._over) return;
        this._takePacket(packet);
        // Who asked has the reply before what follows is taken, which may be newer, or a cursor that covers it.
        for (let steps = 20; packets[1] && steps; steps--) await undefined;
      }
    } catch (error) {
      this._bad(error);
    }
  }

  private _bad(error: unknown): void {
    this._link.log(`a frame failed: ${(error as Error).stack}`);
    this.drop("bad frame");
  }

  private _takePacket(packet: Packet): void {
    if (packet.type === "ok" || packet.type === "error") {
      const pending = this._pending.get(packet.id);
      this._pending.delete(packet.id);
      pending?.onReply(packet.type === "error" ? new ChatError(packet as ErrorReply) : packet);
      return;
    }
    if (packet.type === "ping") this.send({ type: "pong" });
    // The ping and the bye may carry a cursor.
    this._link.onPush(packet);
    if (packet.type === "bye") this._bye(packet as ByePush);
  }

  private _bye({ close = 0, reason = "", retry_after = 0, to = "" }: ByePush): void {
    this._outgoing = [];
    this.ending ??= ending(close, reason, retry_after / 1000, to);
    this._watch?.cancel();
    this._watch = this._link.env.callLater(this._link.timing.closeS, () => this.drop("no close after bye"));
  }

  // Writing.

  private _queue(group: Bytes[]): void {
    this._outgoing.push(group);
    if (this._outgoing.length === 1) queueMicrotask(() => this._write());
  }

  private _write(): void {
    while (this._outgoing.length && !this._over) this._socket.send(this._link.codec.join(this._nextFrame()));
  }

  /** Return as many whole groups as fit; a group is never split, since its order depends on the one frame (protocol.md,
   * "The outbox of a client"). */
  private _nextFrame(): Bytes[] {
    const frame = this._outgoing.shift()!;
    let size = this._size(frame);
    for (let group; (group = this._outgoing[0]); this._outgoing.shift()) {
      size += this._size(group);
      if (size + FRAME_HEAD > this._frameBytes || frame.length + group.length > this.limits.batch) break;
      frame.push(...group);
    }
    return frame;
  }

  private _size(group: readonly Bytes[]): number {
    // Plus one comma each, in JSON.
    return group.reduce((sum, packet) => sum + this._link.codec.size(packet) + 1, 0);
  }

  // Deadlines.

  /** Make the one timer fire no later than the earliest deadline. */
  private _rearm(): void {
    const deadline = this._deadlines.nextAt(this._oldest());
    // A timer that fires too early only checks again; most requests are long answered by then.
    if (!this.alive || (this._watch && this._watchAt <= deadline)) return;
    this._watch?.cancel();
    this._watchAt = deadline;
    this._watch = this._link.env.callLater(Math.max(0, deadline - this._link.env.monotonic()), () => this._look());
  }

  private _oldest(): number | undefined {
    for (const { askedAt } of this._pending.values()) return askedAt;
    return undefined;
  }

  private _look(): void {
    this._watch = undefined;
    const verdict = this._deadlines.verdict(this._link.env.monotonic(), this._oldest());
    if (verdict === "probe") this.probe();
    else if (verdict !== "wait") this.drop(verdict);
    this._rearm();
  }

  /** Give up the requests that are overdue although the link lives: their outcome is unknown (protocol.md, "States"). */
  private _probed(reply: Reply): void {
    this._deadlines.answered();
    if (reply === undefined) return;
    const limit = this._link.env.monotonic() - this._link.timing.requestS;
    for (const [id, { askedAt, onReply }] of [...this._pending]) {
      if (askedAt > limit) continue;
      this._pending.delete(id);
      onReply(undefined);
    }
    this._rearm();
  }
}

/** Return a connection whose upgrade succeeded and whose hello is still to be sent, or reject with `HandshakeFailed`;
 * when nobody `wants` it any more by then, it is closed. */
export function openConnection(url: string, link: Link, wants: () => boolean): Promise<Connection> {
  return new Promise((resolve, reject) => {
    const socket = link.env.connect(url, [link.codec.subprotocol]);
    const fail = (why: string) => {
      timer.cancel();
      socket.onopen = socket.onclose = socket.onerror = null;
      socket.close();
      reject(new HandshakeFailed(`${url}: ${why}`));
    };
    const timer = link.env.callLater(link.timing.openS, () => fail("no answer in time"));
    socket.binaryType = "arraybuffer";
    socket.onerror = socket.onclose = () => fail("no WebSocket opens there");
    socket.onopen = () => {
      if (!wants()) return fail("not wanted any more");
      if (socket.protocol !== link.codec.subprotocol) return fail(`it does not speak ${link.codec.subprotocol}`);
      timer.cancel();
      socket.onopen = socket.onerror = null;
      resolve(new Connection(socket, link));
    };
  });
}
