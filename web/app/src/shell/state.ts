/** The state of the client as signals: one for each room, user and draft, so that a change draws what it touches.
 *
 * `attach` listens to the SDK once; everything here follows from its changes. A screen reads signals and calls the SDK.
 */
import { batch, computed, signal, type Signal } from "@preact/signals";
import type { Change, Message, Phase, Room, Summary } from "@chatd/client";
import { badgeOf, isDeleted, isRetained, type Client, type Levels } from "@chatd/client/people";
import { forgetPeople, peopleChanged } from "./contacts.js";
import { draftChanged, forgetDrafts } from "./drafts.js";
import { askForUsers, forgetUsers, usersChanged } from "./users.js";

/** A change of one room. */
export type RoomChange = Extract<Change, { room: string }>;

/** One room as signals. */
export class RoomState {
  readonly id: string;
  readonly summary: Signal<Summary>;
  readonly unread: Signal<number>;
  readonly mentions: Signal<number>;
  /** The latest message, as a row of the list shows it. */
  readonly preview: Signal<Message | undefined>;
  readonly typists: Signal<readonly string[]>;
  /** Whether who began last to type speaks a voice message. */
  readonly speaking = signal(false);
  /** Grows whenever receipts of others move; read `room.receipts` then. */
  readonly receipts = signal(0);
  /** Of the comments on one post of a channel (timeline/thread.ts): the post. */
  declare readonly post?: number;
  private readonly listeners = new Set<(change: RoomChange) => void>();

  constructor(readonly room: Room) {
    this.id = room.id;
    this.summary = signal(room.summary);
    this.unread = signal(room.unread);
    this.mentions = signal(room.unreadMentions);
    this.preview = signal(shownOf(room, room.preview));
    this.typists = signal(room.typists);
  }

  /** The time of the last message, or of the creation, in Unix milliseconds, by which rooms are sorted. */
  get time(): number {
    return Math.max(this.summary.value.time, this.preview.value?.time ?? 0);
  }

  /** Call `listener` with every change of the room until the returned function is called. */
  listen(listener: (change: RoomChange) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Take over what the room of the SDK says now, and tell the listeners. */
  take(change?: RoomChange): void {
    const { room } = this;
    this.summary.value = room.summary;
    this.unread.value = room.unread;
    this.mentions.value = room.unreadMentions;
    // The first of a message request, and what is before a deleted one, was fetched by its row.
    this.preview.value = shownOf(room, room.preview) ?? shownOf(room, this.preview.peek());
    if (change?.kind === "typingStarted" || change?.kind === "typingStopped") this.typists.value = room.typists;
    if (change?.kind === "typingStarted") this.speaking.value = change.what === "voice";
    if (change?.kind === "receiptsChanged") this.receipts.value += 1;
    if (change) for (const listener of this.listeners) listener(change);
  }
}

/** Return a message, unless the user cleared it away or deleted it for themself, or its room keeps none so old. */
export function shownOf({ summary }: Room, message: Message | undefined): Message | undefined {
  const isShown = message && message.seq >= summary.first_visible && !isDeleted(summary.deleted, message.seq);
  return isShown && isRetained(summary, message) ? message : undefined;
}

export interface Presence {
  state: string;
  /** Unix milliseconds; 0 if it is not known. */
  last_seen: number;
}

interface Preferences {
  receipts: boolean;
  presence: boolean;
  push?: Levels;
  folders?: readonly unknown[];
}

/** Milliseconds between two arrangements of a list that nobody sees. */
const HIDDEN_MS = 100;
const OFFLINE: Presence = { state: "offline", last_seen: 0 };
const states = new Map<string, RoomState>();
const presences = new Map<string, Signal<Presence>>();
/** Grows when a room appears or goes. */
const known = signal(0);
const current = signal<Client | null>(null);

/** The phase of the connection. */
export const phase = signal<Phase>("stopped");
/** The code and reason with which the server ended the session; null while it goes on. */
export const closed = signal<{ code: number; reason: string } | null>(null);
/** Whether the rooms of the storage, or of the server, are there. */
export const loaded = signal(false);
/** Whether the storage failed, and nothing of this tab survives it. */
export const storageLost = signal(false);
/** The own user; empty before the first sign-in. */
export const me = signal("");
/** The own preferences of the account. */
export const preferences = signal<Preferences>({ receipts: true, presence: true });
/** Grows whenever a row of the account changes. */
export const rows = signal(0);
/** The folder that the list shows; 0: all rooms but those of the archive, which is folder 1. */
export const folder = signal(0);
/** Whether there is more to show above the list: folders, an archive, invitations. */
export const hasMore = signal(false);
/** The rooms of the list in their order: pinned first, then the latest message; hidden ones, message requests, and those of
 * other folders are left out. */
export const roomList = signal<readonly RoomState[]>([]);
/** The rooms in which a stranger waits for an answer, the latest first. */
export const requestList = signal<readonly RoomState[]>([]);
/** The number on the icon: unread messages of the rooms that alert, and unread mentions of those that are quiet. */
export const totalUnread = signal(0);
const inOutbox = signal(0);
/** The number of messages whose files are on their way. */
export const withFiles = signal(0);
/** The number of own changes that wait for the network, those included. */
export const waiting = computed(() => inOutbox.value + withFiles.value);
/** Whether anybody is signed in. */
export const signedIn = computed(() => current.value !== null);

/** The SDK; only screens that are shown after sign-in ask for it. */
export function client(): Client {
  if (!current.peek()) throw new Error("not signed in");
  return current.peek()!;
}

/** The state of a room; null while it is not known. The caller is drawn again when the room appears or goes. */
export function roomOf(id: string): RoomState | null {
  known.value;
  return states.get(id) ?? null;
}

/** Every room, hidden ones included, in no order. */
export function allRooms(): RoomState[] {
  known.value;
  return [...states.values()];
}

/** The presence of a user, offline while it is not watched or not shown. */
export function presenceOf(user: string): Signal<Presence> {
  let presence = presences.get(user);
  if (!presence) presences.set(user, (presence = signal(current.peek()?.presence.get(user) ?? OFFLINE)));
  return presence;
}

/** Whether a room is muted now. */
export function isMuted(summary: Pick<Summary, "muted_until">, now = Date.now()): boolean {
  return summary.muted_until === 1 || summary.muted_until > now;
}

/** Follow this client, which belongs to `user`, and start it; the returned function ends that. */
export function attach(next: Client, user: string): () => void {
  batch(() => {
    current.value = next;
    me.value = user;
    closed.value = null;
    storageLost.value = false;
  });
  const unsubscribe = next.on(take);
  void next.start().then(() => current.peek() === next && begin());
  return () => {
    unsubscribe();
    void next.close();
    batch(() => {
      current.value = null;
      phase.value = "stopped";
      loaded.value = false;
      for (const kept of [states, presences]) kept.clear();
      forgetPeople();
      forgetUsers();
      forgetDrafts();
      arrange();
    });
  };
}

/** Show what the storage holds; without rooms in it the first sync decides that there are none. */
function begin(): void {
  batch(() => {
    refresh();
    phase.value = client().phase;
    arrange();
    loaded.value ||= states.size > 0 || phase.value === "ready";
  });
}

/** Take over the state of all rooms. */
function refresh(): void {
  const { rooms } = client();
  for (const id of states.keys()) if (!rooms.has(id)) states.delete(id);
  for (const [id, room] of rooms) {
    const state = states.get(id);
    if (state) state.take();
    else states.set(id, new RoomState(room));
  }
  takeRows();
  peopleChanged();
  known.value += 1;
}

function take(change: Change): void {
  batch(() => {
    if ("room" in change) takeRoom(change);
    else OTHERS[change.kind]?.(change as never);
    inOutbox.value = client().outbox.length;
  });
  arrangeSoon();
}

const OTHERS: { [K in Exclude<Change, { room: string }>["kind"]]?: (change: Extract<Change, { kind: K }>) => void } = {
  stateChanged(change) {
    phase.value = change.phase;
    closed.value = change.phase === "stopped" && change.code ? { code: change.code, reason: change.reason } : null;
    if (change.phase !== "ready") return;
    loaded.value = true;
    void askForUsers();
  },
  presenceChanged: ({ user, state, last_seen }) => (presenceOf(user).value = { state, last_seen }),
  accountChanged: takeRows,
  contactsChanged: ({ users }) => peopleChanged(users),
  circlesChanged: () => peopleChanged([]),
  privacyChanged: () => peopleChanged([]),
  profileChanged: () => peopleChanged([]),
  usersChanged: ({ users }) => usersChanged(users),
  draftChanged: ({ place }) => draftChanged(place),
  storageLost: () => (storageLost.value = true),
  changesMissed: refresh,
};

function takeRows(): void {
  preferences.value = client().preferences;
  rows.value += 1;
}

function takeRoom(change: RoomChange): void {
  const size = states.size;
  let state = states.get(change.room);
  if (!state) states.set(change.room, (state = new RoomState(client().room(change.room))));
  state.take(change);
  if (change.kind === "roomGone") states.delete(change.room);
  if (states.size !== size) known.value += 1;
}

let arranging = false;

/** Arrange the list once for all changes until the next frame; a hidden page draws none, but has a title. */
function arrangeSoon(): void {
  if (arranging) return;
  arranging = true;
  const now = (): void => {
    arranging = false;
    arrange();
  };
  if (document.hidden) setTimeout(now, HIDDEN_MS);
  else requestAnimationFrame(now);
}

function arrange(): void {
  const shown = [...states.values()].filter((state) => !state.summary.peek().hidden);
  const [pinned, time] = [new Map<RoomState, number>(), new Map<RoomState, number>()];
  for (const state of shown) {
    pinned.set(state, Number(state.summary.peek().pinned));
    time.set(state, state.time);
  }
  shown.sort((one, other) => pinned.get(other)! - pinned.get(one)! || time.get(other)! - time.get(one)!);
  const isRequest = (state: RoomState) => state.summary.peek().request;
  batch(() => {
    replace(requestList, shown.filter(isRequest));
    replace(roomList, shown.filter((state) => !isRequest(state) && isInFolder(state)));
    totalUnread.value = shown.reduce((sum, state) => sum + badgeOfRoom(state), 0);
    const { folders } = preferences.peek();
    hasMore.value = Boolean(
      folder.peek() || folders?.length || shown.some(folderOf) || (current.peek() && Object.keys(client().accountRows("joins")).length),
    );
  });
}

const folderOf = (state: RoomState): number => state.summary.peek().folder ?? 0;
const isInFolder = (state: RoomState): boolean => (folder.peek() ? folderOf(state) === folder.peek() : folderOf(state) !== 1);

/** Show a folder in the list. */
export function showFolder(next: number): void {
  folder.value = next;
  arrange();
}

function badgeOfRoom({ summary, unread, mentions }: RoomState): number {
  const counts = { unread: unread.peek(), unread_mentions: mentions.peek() };
  return badgeOf({ ...summary.peek(), ...counts }, preferences.peek().push ?? {}, Date.now());
}

/** Show another list, unless it is the same. */
function replace(list: Signal<readonly RoomState[]>, next: readonly RoomState[]): void {
  const before = list.peek();
  if (next.length !== before.length || next.some((state, index) => state !== before[index])) list.value = next;
}
