/** One WebSocket from its upgrade to its end: frames, replies to requests, heartbeat; it never reconnects.
 *
 * All its state ends with it, so nothing of one connection can confuse the next (protocol.md, "Envelope" and "States").
 * Replies and pushes are handed on synchronously, in the order of their arrival; packets sent in one turn of the event
 * loop share a frame. One timer watches all deadlines.
 */

import { BadFrame, type Bytes, type Codec } from "./core/codec.js";
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
  /** Called behind the last packet of a frame. */
  onFrame(): void;
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
  private over = false;
  private frameBytes = HELLO_FRAME_BYTES;
  private outgoing: Bytes[][] = [];
  private readonly pending = new Map<number, Pending>();
  private readonly putOff = new Map<string, Timer>();
  private readonly deadlines: Deadlines;
  private lastId = 0;
  private watch: Timer | undefined;
  private watchAt = 0;

  constructor(private readonly socket: Socket, private readonly link: Link) {
    this.deadlines = new Deadlines(link.timing, HELLO_HEARTBEAT_S, link.env.monotonic());
    socket.onmessage = ({ data }: { data: unknown }) => this.take(data);
    socket.onclose = ({ code, reason }: { code: number; reason: string }) => {
      this.finish(ending([1005, 1006].includes(code) ? 0 : code, reason));
    };
    this.rearm();
  }

  /** Whether anything may still be sent: after `bye` nothing is (protocol.md, "bye"). */
  get alive(): boolean {
    return this.ending === undefined;
  }

  // Sending.

  /** Send a packet that has no reply. */
  send(packet: Packet): void {
    if (this.alive) this.queue([this.link.codec.encode(packet)]);
  }

  /** Send a request; `onReply` is called exactly once. */
  ask(packet: Packet, onReply: OnReply): void {
    this.askTogether([[packet, onReply]]);
  }

  /** Send requests in one frame, in this order; the caller keeps it within the limits. */
  askTogether(requests: readonly (readonly [Packet, OnReply])[]): void {
    if (!this.alive) return requests.forEach(([, onReply]) => onReply(undefined));
    const group = requests.map(([packet, onReply]) => {
      const id = ++this.lastId;
      this.pending.set(id, { askedAt: this.link.env.monotonic(), onReply });
      // The envelope comes first, as protocol.md shows it: it makes frames easy to read.
      return this.link.codec.encode({ type: packet.type, id, ...packet });
    });
    this.queue(group);
    this.rearm();
  }

  /** Send the request that `current` returns; while it is refused for now, send what `current` returns by then, as long
   * as this connection lives. Any other answer is the reply. */
  askUntilTaken(current: () => Packet, onReply: OnReply): void {
    const packet = current();
    this.ask(packet, (reply) => {
      if (!(reply instanceof ChatError) || reply.retry !== "later") return onReply(reply);
      this.putOff.get(packet.type)?.cancel();
      const pause = pauseS(this.link.timing, reply.retry_after);
      this.putOff.set(packet.type, this.link.env.callLater(pause, () => this.askUntilTaken(current, onReply)));
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
    this.frameBytes = limits.frame_bytes;
    this.setHeartbeat(heartbeatS);
  }

  /** Set the seconds of silence after which the server pings. */
  setHeartbeat(heartbeatS: number): void {
    this.deadlines.heartbeatS = heartbeatS;
    this.rearm();
  }

  /** Send a ping; no answer within `probeS` drops the connection. At most one ping per `probeS`. */
  probe(): void {
    if (this.alive && this.deadlines.probe(this.link.env.monotonic())) {
      this.ask({ type: "ping" }, (reply) => this.probed(reply));
    }
  }

  /** Return the seconds since the last frame came in. */
  silentS(): number {
    return this.deadlines.silentS(this.link.env.monotonic());
  }

  // Ending.

  /** End at once, without waiting for the peer: for a link that is thought dead, or a peer that breaks the protocol. */
  drop(reason: string, code = 1006): void {
    this.closeSocket(1000);
    this.finish(ending(code, reason));
  }

  /** Write everything queued, then end with a close handshake; resolves when the peer has finished it, or took too
   * long. */
  close(code: number, reason = ""): Promise<void> {
    this.write();
    this.closeSocket(code);
    this.finish(ending(code, reason));
    return new Promise((resolve) => {
      const timer = this.link.env.callLater(this.link.timing.closeS, resolve);
      this.socket.onclose = () => {
        timer.cancel();
        resolve();
      };
    });
  }

  private closeSocket(code: number): void {
    // A page may give no other code (protocol.md, "Rules for mobile clients").
    this.socket.close(code < 3000 ? 1000 : code);
  }

  private finish(reason: Ending): void {
    if (this.over) return;
    this.over = true;
    this.ending ??= reason;
    this.socket.onmessage = this.socket.onclose = this.socket.onerror = null;
    for (const timer of [this.watch, ...this.putOff.values()]) timer?.cancel();
    const pending = [...this.pending.values()];
    this.pending.clear();
    for (const { onReply } of pending) onReply(undefined);
    this.onEnd(this.ending);
  }

  // Receiving.

  private take(data: unknown): void {
    this.deadlines.heard(this.link.env.monotonic());
    try {
      for (const packet of this.link.codec.decode(data)) if (!this.over) this.takePacket(packet);
      this.link.onFrame();
    } catch (error) {
      const bad = error instanceof BadFrame;
      this.link.log(bad ? `bad frame: ${error.message}` : `a packet could not be handled: ${(error as Error).stack}`);
      this.drop("bad frame");
    }
  }

  private takePacket(packet: Packet): void {
    if (packet.type === "ok" || packet.type === "error") {
      const pending = this.pending.get(packet.id);
      this.pending.delete(packet.id);
      pending?.onReply(packet.type === "error" ? new ChatError(packet as ErrorReply) : packet);
      return;
    }
    if (packet.type === "ping") this.send({ type: "pong" });
    // The ping and the bye may carry a cursor.
    this.link.onPush(packet);
    if (packet.type === "bye") this.bye(packet as ByePush);
  }

  private bye({ close = 0, reason = "", retry_after = 0, to = "" }: ByePush): void {
    this.outgoing = [];
    this.ending ??= ending(close, reason, retry_after / 1000, to);
    this.watch?.cancel();
    this.watch = this.link.env.callLater(this.link.timing.closeS, () => this.drop("no close after bye"));
  }

  // Writing.

  private queue(group: Bytes[]): void {
    this.outgoing.push(group);
    if (this.outgoing.length === 1) queueMicrotask(() => this.write());
  }

  private write(): void {
    while (this.outgoing.length && !this.over) this.socket.send(this.link.codec.join(this.nextFrame()));
  }

  /** Return as many whole groups as fit; a group is never split, since its order depends on the one frame (protocol.md,
   * "The outbox of a client"). */
  private nextFrame(): Bytes[] {
    const frame = this.outgoing.shift()!;
    let size = this.size(frame);
    for (let group; (group = this.outgoing[0]); this.outgoing.shift()) {
      size += this.size(group);
      if (size + FRAME_HEAD > this.frameBytes || frame.length + group.length > this.limits.batch) break;
      frame.push(...group);
    }
    return frame;
  }

  private size(group: readonly Bytes[]): number {
    // Plus one comma each, in JSON.
    return group.reduce((sum, packet) => sum + this.link.codec.size(packet) + 1, 0);
  }

  // Deadlines.

  /** Make the one timer fire no later than the earliest deadline. */
  private rearm(): void {
    const deadline = this.deadlines.nextAt(this.oldest());
    // A timer that fires too early only checks again; most requests are long answered by then.
    if (!this.alive || (this.watch && this.watchAt <= deadline)) return;
    this.watch?.cancel();
    this.watchAt = deadline;
    this.watch = this.link.env.callLater(Math.max(0, deadline - this.link.env.monotonic()), () => this.look());
  }

  private oldest(): number | undefined {
    for (const { askedAt } of this.pending.values()) return askedAt;
    return undefined;
  }

  private look(): void {
    this.watch = undefined;
    const verdict = this.deadlines.verdict(this.link.env.monotonic(), this.oldest());
    if (verdict === "probe") this.probe();
    else if (verdict !== "wait") this.drop(verdict);
    this.rearm();
  }

  /** Give up the requests that are overdue although the link lives: their outcome is unknown (protocol.md, "States"). */
  private probed(reply: Reply): void {
    this.deadlines.answered();
    if (reply === undefined) return;
    const limit = this.link.env.monotonic() - this.link.timing.requestS;
    for (const [id, { askedAt, onReply }] of [...this.pending]) {
      if (askedAt > limit) continue;
      this.pending.delete(id);
      onReply(undefined);
    }
    this.rearm();
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
