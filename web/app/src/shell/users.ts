/** Names and avatars of users: asked for in batches when a screen first needs them, and kept for the next start. */
import { signal, type Signal } from "@preact/signals";
import { client, phase } from "./state.js";

export interface User {
  id: string;
  /** The name to show; the id while no other is known. */
  name: string;
  avatar: string;
}

interface Kept {
  name: string;
  avatar: string;
}

/** Most users of one request (protocol.md, "users.get"). */
const BATCH = 100;
/** Most users that are kept for the next start; those shown last stay. */
const KEPT = 2000;

const users = new Map<string, Signal<User>>();
const wanted = new Set<string>();
const fetched = new Set<string>();
let kept: Record<string, Kept> = {};
let place = "";
let asking = false;

/** Keep names under this user, and begin with those of the last run. */
export function startUsers(user: string): void {
  place = `chatd:${user}:users`;
  kept = JSON.parse(localStorage.getItem(place) ?? "{}") as Record<string, Kept>;
  for (const [id, known] of users) if (kept[id]) known.value = { id, ...named(id, kept[id]) };
  phase.subscribe((now) => now === "ready" && wanted.size > 0 && void ask());
}

/** The user with this id; their name comes as soon as the server has told it. */
export function userOf(id: string): Signal<User> {
  let user = users.get(id);
  if (!user) {
    const known = kept[id];
    users.set(id, (user = signal({ id, ...named(id, known) })));
  }
  if (!fetched.has(id) && !wanted.has(id)) {
    wanted.add(id);
    queueMicrotask(() => void ask());
  }
  return user;
}

/** The users whose name or id contains the text, of those that are known here. */
export function knownUsers(): User[] {
  return [...users.values()].map((user) => user.peek());
}

async function ask(): Promise<void> {
  if (asking || phase.peek() !== "ready") return;
  asking = true;
  try {
    while (wanted.size && phase.peek() === "ready") {
      const batch = [...wanted].slice(0, BATCH);
      for (const entry of await client().users(batch)) take(entry.user, { name: entry.name ?? "", avatar: entry.avatar ?? "" });
      for (const id of batch) {
        wanted.delete(id);
        fetched.add(id);
      }
    }
    keep();
  } catch {
    // Refused for today, or the connection went: the ids stand for the names until the next READY.
  } finally {
    asking = false;
  }
}

function take(id: string, entry: Kept): void {
  const { name, avatar } = named(id, entry);
  delete kept[id];
  kept[id] = entry;
  const user = users.get(id);
  if (user && (user.peek().name !== name || user.peek().avatar !== avatar)) user.value = { id, name, avatar };
}

function keep(): void {
  kept = Object.fromEntries(Object.entries(kept).slice(-KEPT));
  try {
    localStorage.setItem(place, JSON.stringify(kept));
  } catch {
    // Without room for them the names are asked for again at the next start.
  }
}

const named = (id: string, entry: Kept | undefined): Kept => ({ name: entry?.name || id, avatar: entry?.avatar ?? "" });
