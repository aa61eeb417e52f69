/** The state of the client as signals: one for each room, user and draft, so that a change draws what it touches.
 *
 * `attach` listens to the SDK once; everything here follows from its changes. A screen reads signals and calls the SDK.
 */
import { batch, computed, signal, type Signal } from "@preact/signals";
import type { Change, Client, Message, Phase, Room, Summary } from "@chatd/client";

/** The latest message of a room, as a row of the list shows it. */
export interface Preview {
  seq: number;
  user: string;
  time: number;
  text: string;
  attachments: number;
  recalled: boolean;
}

/** A change of one room. */
export type RoomChange = Extract<Change, { room: string }>;

/** One room as signals. */
export class RoomState {
  readonly id: string;
  readonly summary: Signal<Summary>;
  readonly unread: Signal<number>;
  readonly mentions: Signal<number>;
  readonly preview: Signal<Preview | null>;
  readonly typists: Signal<readonly string[]>;
  /** Grows whenever receipts of others move; read `room.receipts` then. */
  readonly receipts = signal(0);
  readonly listeners = new Set<(change: RoomChange) => void>();

  constructor(readonly room: Room) {
    this.id = room.id;
    this.summary = signal(room.summary);
    this.unread = signal(room.unread);
    this.mentions = signal(room.unreadMentions);
    this.preview = signal(newest(room));
    this.typists = signal(room.typists);
  }

  /** The time of the last message in Unix milliseconds, by which rooms are sorted. */
  get time(): number {
    return Math.max(this.summary.peek().time, this.preview.peek()?.time ?? 0);
  }

  /** Call `listener` with every change of the room until the returned function is called. */
  listen(listener: (change: RoomChange) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Take over what the room of the SDK says now. */
  refresh(): void {
    this.summary.value = this.room.summary;
    this.unread.value = this.room.unread;
    this.mentions.value = this.room.unreadMentions;
  }

  /** Show the message in the list if it is the newest, or the one that is shown in its new state. */
  show(message: Message): void {
    if (message.seq >= (this.preview.peek()?.seq ?? 0)) this.preview.value = previewOf(message);
  }
}

const states = new Map<string, RoomState>();
const current = signal<Client | null>(null);

/** The phase of the connection. */
export const phase = signal<Phase>("stopped");
/** The code and reason with which the server ended the session; null while it goes on. */
export const closed = signal<{ code: number; reason: string } | null>(null);
/** Whether the rooms of the storage, or of the server, are there. */
export const loaded = signal(false);
/** The own user; empty before the first sign-in. */
export const me = signal("");
/** The rooms of the list in their order: pinned first, then the latest message; hidden ones are left out. */
export const roomList = signal<readonly RoomState[]>([]);
/** Unread messages of all rooms that are neither hidden nor muted. */
export const totalUnread = signal(0);
/** The number of own changes that wait for the network. */
export const waiting = signal(0);
/** Presence of the watched users by id. */
const presences = new Map<string, Signal<Presence>>();

export interface Presence {
  state: "online" | "away" | "offline";
  /** Unix milliseconds; 0 if it is not known. */
  lastSeen: number;
}

/** The SDK; only screens that are shown after sign-in ask for it. */
export function client(): Client {
  if (!current.peek()) throw new Error("not signed in");
  return current.peek()!;
}

/** Whether anybody is signed in. */
export const signedIn = computed(() => current.value !== null);

/** The state of a room; null while it is not known. */
export function roomOf(id: string): RoomState | null {
  // A read of the list subscribes the caller, who is drawn again when the room appears or goes.
  return (roomList.value, states.get(id)) ?? null;
}

/** The presence of a user, offline while it is not watched or not shown. */
export function presenceOf(user: string): Signal<Presence> {
  let presence = presences.get(user);
  if (!presence) presences.set(user, (presence = signal({ state: "offline", lastSeen: 0 })));
  return presence;
}

/** Whether a room is muted now. */
export function isMuted(summary: Pick<Summary, "muted_until">, now = Date.now()): boolean {
  return summary.muted_until === 1 || summary.muted_until > now;
}

/** Follow this client; the returned function ends that. */
export function attach(next: Client): () => void {
  batch(() => {
    current.value = next;
    me.value = next.user;
    phase.value = next.phase;
    for (const room of next.rooms.values()) states.set(room.id, new RoomState(room));
    arrange();
  });
  const unsubscribe = next.on(take);
  return () => {
    unsubscribe();
    batch(() => {
      states.clear();
      presences.clear();
      current.value = null;
      loaded.value = false;
      arrange();
    });
  };
}

function take(change: Change): void {
  batch(() => {
    if ("room" in change) takeRoom(change);
    else if (change.kind === "stateChanged") takePhase(change);
    else if (change.kind === "presenceChanged") presenceOf(change.user).value = { state: change.state, lastSeen: change.last_seen };
    else if (change.kind === "changesMissed") for (const state of states.values()) state.refresh();
    waiting.value = client().outbox.length;
  });
  later();
}

function takePhase(change: Extract<Change, { kind: "stateChanged" }>): void {
  phase.value = change.phase;
  closed.value = change.phase === "stopped" && change.code ? { code: change.code, reason: change.reason } : null;
  if (change.phase !== "ready") return;
  me.value = client().user;
  loaded.value = true;
}

function takeRoom(change: RoomChange): void {
  if (change.kind === "roomGone") {
    states.get(change.room)?.listeners.forEach((listener) => listener(change));
    states.delete(change.room);
    return;
  }
  let state = states.get(change.room);
  if (!state) states.set(change.room, (state = new RoomState(client().room(change.room))));
  state.refresh();
  if (change.kind === "messageAdded" || change.kind === "messageChanged") state.show(change.message);
  if (change.kind === "timelineReset") state.preview.value = newest(state.room);
  if (change.kind === "typingStarted" || change.kind === "typingStopped") state.typists.value = state.room.typists;
  if (change.kind === "receiptsChanged") state.receipts.value += 1;
  for (const listener of state.listeners) listener(change);
}

let arranging = false;

/** Arrange the list once for all changes of one frame of the socket. */
function later(): void {
  if (arranging) return;
  arranging = true;
  queueMicrotask(() => {
    arranging = false;
    arrange();
  });
}

function arrange(): void {
  const shown = [...states.values()].filter((state) => !state.summary.peek().hidden);
  shown.sort((one, other) => Number(other.summary.peek().pinned) - Number(one.summary.peek().pinned) || other.time - one.time);
  const before = roomList.peek();
  batch(() => {
    if (shown.length !== before.length || shown.some((state, index) => state !== before[index])) roomList.value = shown;
    totalUnread.value = shown.reduce((sum, state) => sum + (isMuted(state.summary.peek()) ? 0 : state.unread.peek()), 0);
  });
}

function newest(room: Room): Preview | null {
  let message: Message | null = null;
  for (const candidate of room.messages.values()) if (candidate.seq > (message?.seq ?? 0)) message = candidate;
  const { preview } = room.summary;
  if (message && message.seq >= (preview?.seq ?? 0)) return previewOf(message);
  return preview ? previewOf({ recalled: false, user: "", time: 0, ...preview, body: preview.body ?? null }) : null;
}

function previewOf(message: Pick<Message, "seq" | "user" | "time" | "body" | "recalled">): Preview {
  const { seq, user, time, recalled, body } = message;
  return { seq, user, time, recalled, text: body?.text ?? "", attachments: body?.attachments?.length ?? 0 };
}
