/** Names and avatars of users as signals: asked for in batches when a screen first needs them; the SDK stores them. */
import { signal, type Signal } from "@preact/signals";
import { client, phase } from "./state.js";

export interface User {
  id: string;
  /** The name to show; the id while no other is known. */
  name: string;
  avatar: string;
}

/** Most users of one request (protocol.md, "users.get"). */
const BATCH = 100;

const users = new Map<string, Signal<User>>();
const wanted = new Set<string>();
let asking = false;

/** The user with this id; a name that is not stored comes as soon as the server has told it. */
export function userOf(id: string): Signal<User> {
  let user = users.get(id);
  if (!user) {
    users.set(id, (user = signal(stored(id))));
    // Stored names are shown at once, and may have changed since.
    wanted.add(id);
    queueMicrotask(() => void askForUsers());
  }
  return user;
}

/** Every user of whom anything is shown or stored. */
export function knownUsers(): User[] {
  return [...new Set([...users.keys(), ...client().users.keys()])].map((id) => userOf(id).peek());
}

/** The display data of these users were fetched, here or in another tab. */
export function usersChanged(ids: readonly string[]): void {
  for (const id of ids) {
    const [user, next] = [users.get(id), stored(id)];
    if (user && (user.peek().name !== next.name || user.peek().avatar !== next.avatar)) user.value = next;
  }
}

/** Another user, or none, is signed in. */
export function forgetUsers(): void {
  users.clear();
  wanted.clear();
}

/** Ask for the users that are wanted, if the connection stands. */
export async function askForUsers(): Promise<void> {
  if (asking) return;
  asking = true;
  try {
    while (wanted.size && phase.peek() === "ready") {
      const batch = [...wanted].slice(0, BATCH);
      await client().fetchUsers(batch);
      for (const id of batch) wanted.delete(id);
    }
  } catch {
    // Refused for today, or the connection went: the ids stand for the names until the next READY.
  } finally {
    asking = false;
  }
}

function stored(id: string): User {
  const entry = client().users.get(id);
  return { id, name: entry?.name || id, avatar: entry?.avatar ?? "" };
}
