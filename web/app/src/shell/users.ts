/** Names and avatars of users as signals: asked for in batches when a screen first needs them; the SDK stores them. */
import { signal, type Signal } from "@preact/signals";
import type { Profile } from "@chatd/client";
import { t } from "../locale/locale.js";
import { allContacts } from "./contacts.js";
import { client, phase } from "./state.js";

export interface User {
  id: string;
  /** The name to show: the own remark, else the name they gave themselves; the id while no other is known. */
  name: string;
  /** The name they gave themselves, which others see, too. */
  realName: string;
  avatar: string;
  /** Unique, without the `@`; empty if they have none. */
  handle: string;
  /** What the host says they are; empty if it says nothing. */
  verified: string;
  /** `bot`, `official` for an account that speaks for the host; empty for a person. */
  kind: string;
  /** Whether they were removed: of their card nothing is left but its version, or not even that. */
  erased: boolean;
  /** Grows with every change of their card. */
  version: number;
}

/** A card that is kept; `stale`: a newer one is known of. */
type Known = Profile & { stale?: boolean };

/** Most users of one request (protocol.md, "users.get"). */
const BATCH = 100;
const FIELDS = ["name", "realName", "avatar", "handle", "verified", "kind", "version"] as const;

const users = new Map<string, Signal<User>>();
const wanted = new Set<string>();
/** Users of whom a log says that they were removed. */
const gone = new Set<string>();
/** Grows when somebody may have another name. */
const renamed = signal(0);
let asking = false;

/** The user with this id; a name that is not stored comes as soon as the server has told it. */
export function userOf(id: string): Signal<User> {
  let user = users.get(id);
  if (!user) {
    users.set(id, (user = signal(stored(id))));
    // Stored names are shown at once, and may have changed since.
    want(id);
  }
  return user;
}

/** The user as they are known here; nothing is fetched, so that a long list asks for those only that it shows. */
export function knownUser(id: string): User {
  renamed.value;
  return users.get(id)?.peek() ?? stored(id);
}

/** Every user of whom anything is shown or stored. */
export function knownUsers(): User[] {
  const friends = allContacts().flatMap(({ user, state }) => (state === "friend" ? [user] : []));
  return [...new Set([...users.keys(), ...client().users.keys(), ...friends])].map(knownUser);
}

/** The display data of these users were fetched, here or in another tab. */
export function usersChanged(ids: readonly string[]): void {
  for (const id of ids) {
    if (users.has(id) && (client().users.get(id) as Known | undefined)?.stale) want(id);
    const [user, next] = [users.get(id), stored(id)];
    const before = user?.peek();
    if (before?.name !== next.name) renamed.value += 1;
    if (before && FIELDS.some((field) => before[field] !== next[field])) user!.value = next;
  }
}

/** A log says that this user was removed. */
export function noteErased(id: string): void {
  gone.add(id);
  usersChanged([id]);
}

/** Another user, or none, is signed in. */
export function forgetUsers(): void {
  gone.clear();
  users.clear();
  wanted.clear();
}

function want(id: string): void {
  wanted.add(id);
  queueMicrotask(() => void askForUsers());
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
  const card = client().users.get(id) ?? ({} as Partial<Profile>);
  const { name = "", avatar = "", handle = "", verified = "", kind = "", version = 0 } = card;
  const erased = (version > 0 || gone.has(id)) && !(name || avatar || handle || verified || kind);
  const realName = name || (erased ? t("person.erased") : id);
  return { id, name: client().contacts.get(id)?.remark || realName, realName, avatar, handle, verified, kind, erased, version };
}
