/** A server of one account, for tests of what a client keeps: rooms with logs, of which it tells over sockets in memory. */

import { changedBy, eventFrom, isOperation, messageFrom, type Message } from "../src/core/messages.js";
import type { Event, Packet } from "../src/core/packets.js";
import { FakeSocket, WELCOME } from "./kit.js";
import { msgpack } from "../src/msgpack.js";

export const ME = "u42";
/** So few that replies are cut. */
const PAGE_ROOMS = 2;
const PAGE_EVENTS = 6;

/** A room of the server. `first`: the first number that the user sees; `floor`: that from which `log` goes. */
export interface ServedRoom {
  log: Event[];
  first: number;
  floor: number;
  isMember: boolean;
  read: number;
  ordinals: number;
}

/** The messages of a log after its first events, by number. */
export function stateOf(room: string, log: readonly Event[], until = log.length, first = 1): Map<number, Message> {
  const messages = new Map<number, Message>();
  for (const event of log.slice(0, until)) {
    if (event.kind === "message") messages.set(event.seq, messageFrom(room, event));
    const target = isOperation(event.kind) && messages.get(event.target!);
    if (target) messages.set(target.seq, changedBy(target, event, ME));
  }
  return new Map([...messages].filter(([seq]) => seq >= first));
}

/** A client's socket; what the server says waits in `waiting` until it is delivered. */
export class ServedSocket extends FakeSocket {
  readonly waiting: Packet[] = [];
  isWelcomed = false;
  /** Pages of a round that are not told yet. */
  round: { rooms: string[]; fields: Packet; since: number } | undefined;

  constructor(protocols: string[], private readonly _server: LogServer) {
    super(protocols);
  }

  override send(data: string | Uint8Array): void {
    for (const packet of msgpack.decode(data) as Packet[]) this._server.take(this, packet);
  }
}

export class LogServer {
  epoch = 1;
  readonly rooms = new Map<string, ServedRoom>();
  /** What changed, in order: the position of a cursor is a number in it. */
  feed: string[] = [];
  sockets: ServedSocket[] = [];
  /** Keys of own messages, in the order in which they were stored. */
  readonly keys = new Map<string, Packet>();
  time = 1_000_000;

  constructor(names: readonly string[]) {
    for (const name of names) this.rooms.set(name, { log: [], first: 1, floor: 1, isMember: true, read: 0, ordinals: 0 });
  }

  connect(protocols: string[]): ServedSocket {
    const socket = new ServedSocket(protocols, this);
    this.sockets.push(socket);
    return socket;
  }

  // What happens.

  /** Append an event, and tell everybody but `author`; `isQuiet`: by its number only. */
  append(name: string, event: Omit<Event, "seq" | "time">, isQuiet = false, author?: ServedSocket): Event {
    const room = this.rooms.get(name)!;
    const whole: Event = { ...event, seq: room.log.length + 1, time: (this.time += 1) } as Event;
    if (whole.kind === "message") whole.ordinal = room.ordinals += 1;
    room.log.push(whole);
    this.feed.push(name);
    const { seq } = whole;
    if (!room.isMember) return whole;
    if (isQuiet) this._tell({ type: "head", rooms: [{ room: name, seq, ordinal: room.ordinals }] }, author);
    else this._tell({ type: "event", room: name, events: [whole] }, author);
    return whole;
  }

  remove(name: string): void {
    this.rooms.get(name)!.isMember = false;
    this.feed.push(name);
    this._tell({ type: "gone", room: name, reason: "removed" });
  }

  /** Let the user in again, who sees the log from `first` on. */
  admit(name: string, first: number): void {
    Object.assign(this.rooms.get(name)!, { isMember: true, first });
    this.moveFirst(name, first);
  }

  moveFirst(name: string, first: number): void {
    const room = this.rooms.get(name)!;
    room.first = first;
    room.read = Math.max(room.read, first - 1);
    this.feed.push(name);
    this._tell({ type: "room", summary: this.summary(name) });
  }

  /** Begin anew, as from an old copy of the database. */
  reset(): void {
    this.epoch += 1;
    this.feed = [];
    this.keys.clear();
    for (const room of this.rooms.values()) Object.assign(room, { log: [], first: 1, floor: 1, read: 0, ordinals: 0, isMember: true });
    for (const socket of this.sockets.splice(0)) if (!socket.isClosed) socket.end(1012);
  }

  /** Say up to where everything was told. */
  ping(): void {
    for (const socket of this.sockets) {
      if (socket.isWelcomed && !socket.round) this._say(socket, { type: "ping", cursor: this._cursor() });
    }
  }

  // Requests.

  take(socket: ServedSocket, packet: Packet): void {
    const { type, id, room: name } = packet;
    if (id === undefined) return;
    const reply = this._answer(socket, packet);
    const room = name && this.rooms.get(name);
    if (room && !room.isMember) this._say(socket, { type: "error", id, code: "not_found", retry: "never" });
    else this._say(socket, { type: "ok", id, ...reply });
    if (type === "hello") socket.isWelcomed = true;
  }

  summary(name: string, since?: number): Packet {
    const room = this.rooms.get(name)!;
    const { log, first, floor, read } = room;
    const last = [...this.state(name).values()].at(-1);
    const recent = since === undefined ? 0 : this.feed.slice(since).filter((each) => each === name).length;
    const events = recent && recent <= 3 && log.length - recent >= first - 1 ? log.slice(-recent) : undefined;
    return {
      room: name, seq: log.length, ordinal: room.ordinals, time: this.time, read, members: 2, first_visible: first, log_floor: floor,
      unread: this.unread(name), ...(events && { events: events.map((event) => this._now(name, event)) }), ...(last && { preview: eventFrom(last) }),
    };
  }

  unread(name: string): number {
    const { log, read, first } = this.rooms.get(name)!;
    return log.filter(({ seq, kind, user }) => kind === "message" && user !== ME && seq > read && seq >= first).length;
  }

  /** The messages as the user sees them. */
  state(name: string): Map<number, Message> {
    const { log, first } = this.rooms.get(name)!;
    return stateOf(name, log, log.length, first);
  }

  private _answer(socket: ServedSocket, packet: Packet): Packet {
    switch (packet.type) {
      case "hello": {
        const [epoch, at] = String(packet.cursor ?? "").split(".").map(Number);
        return { ...WELCOME, epoch: String(this.epoch), sync: this._begin(socket, epoch === this.epoch ? at : undefined) };
      }
      case "sync":
        return packet.more ? this._page(socket) : this._begin(socket, packet.cursor && Number(packet.cursor.split(".")[1]));
      case "focus": return { rooms: [] };
      case "mode": return { heartbeat: 30 };
      case "send": return this._send(socket, packet);
      default: return this.rooms.get(packet.room)?.isMember ? this._ofRoom(packet) : {};
    }
  }

  private _ofRoom({ type, room: name, ...asked }: Packet): Packet {
    const room = this.rooms.get(name)!;
    const { log, first, floor } = room;
    const seq = log.length;
    const shown = log.filter((event) => event.seq >= first && !isOperation(event.kind)).map((event) => this._now(name, event));
    switch (type) {
      case "room.get": return { summary: this.summary(name) };
      case "read":
        room.read = Math.max(room.read, asked.seq);
        return { read: room.read, unread: this.unread(name), unread_mentions: 0, ordinal: room.ordinals };
      case "log": {
        if (asked.from < Math.max(first, floor)) return { reset: true, first_visible: first, log_floor: floor, seq, events: [] };
        return { seq, events: log.slice(asked.from - 1, Math.min(asked.to, asked.from - 1 + PAGE_EVENTS)).map((event) => this._now(name, event)) };
      }
      case "history": {
        const high = asked.before === undefined ? seq : Math.min(asked.before - 1, seq);
        const older = shown.filter((event) => event.seq <= high);
        const events = older.slice(-Math.min(asked.limit, PAGE_EVENTS));
        const end = events.length === older.length;
        return { seq, high, low: end ? first : events[0]!.seq, events, ...(end && { end }) };
      }
      case "changes": {
        const changed = shown.filter((event) => asked.low <= event.seq && event.seq <= asked.high && Math.max(event.changed ?? 0, event.seq) > asked.since);
        const next = changed[2]?.seq;
        return { seq, events: next ? changed.slice(0, 2) : changed, ...(next && { next }) };
      }
      case "messages": return { seq, events: shown.filter((event) => asked.seqs.includes(event.seq)) };
      default: return {};
    }
  }

  private _send(socket: ServedSocket, { room, key, body }: Packet): Packet {
    const known = this.keys.get(key);
    if (known) return { ...known, duplicate: true };
    if (!this.rooms.get(room)?.isMember) return {};
    const { seq, ordinal, time } = this.append(room, { kind: "message", user: ME, key, body }, false, socket);
    const ack = { seq, ordinal, time };
    this.keys.set(key, ack);
    return ack;
  }

  // Rounds.

  private _begin(socket: ServedSocket, since: number | undefined): Packet {
    const changed = since === undefined ? [...this.rooms.keys()] : [...new Set(this.feed.slice(since))];
    const isIn = (name: string) => this.rooms.get(name)!.isMember;
    const gone = since === undefined ? [] : changed.filter((name) => !isIn(name));
    const fields = { cursor: this._cursor(), gone };
    socket.round = { rooms: changed.filter(isIn), fields, since: since ?? -1 };
    return this._page(socket);
  }

  private _page(socket: ServedSocket): Packet {
    const round = socket.round!;
    const isFull = round.since < 0;
    const rooms = round.rooms.splice(0, PAGE_ROOMS).filter((name) => this.rooms.get(name)!.isMember);
    const { cursor, gone } = round.fields;
    const { length } = round.rooms;
    if (!length) socket.round = undefined;
    return {
      rooms: rooms.map((name) => this.summary(name, isFull ? undefined : round.since)),
      ...(isFull ? { full: true } : { gone }), ...(length ? { more: "more" } : { cursor }),
    };
  }

  private _cursor(): string {
    return `${this.epoch}.${this.feed.length}`;
  }

  private _now(name: string, event: Event): Event {
    const message = event.kind === "message" && this.state(name).get(event.seq);
    return message ? eventFrom(message) : event;
  }

  private _tell(packet: Packet, but?: ServedSocket): void {
    for (const socket of this.sockets) if (socket !== but && socket.isWelcomed) this._say(socket, packet);
  }

  private _say(socket: ServedSocket, packet: Packet): void {
    if (!socket.isClosed) socket.waiting.push(packet);
  }
}
