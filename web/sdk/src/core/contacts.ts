/** The objects of people (protocol.md, "People"); pure. */

import type { AccountRow, Circle, ContactSetRequest, Contact as SentContact, Profile } from "./packets.js";

/** Another user as the owner of the account has them (protocol.md, "Contact"). */
export type Contact = SentContact & Required<Pick<SentContact, "stamp" | "state">>;

/** A card that is kept; `stale`: there is a newer one. */
export type Card = Profile & { readonly stale?: boolean };

/** What `setContact` changes; what is not named stays. */
export type ContactChange = Omit<ContactSetRequest, "type" | "user" | "seen">;

const STATES: readonly unknown[] = ["sent", "received", "friend"];

/** Return the contact of a row. A state that is not known is `none` (protocol.md, "Forward compatibility"). */
export function contactFrom({ name, stamp, value }: AccountRow): Contact {
  const known = value as Partial<Contact>;
  return { ...known, user: name, stamp, state: STATES.includes(known.state) ? known.state! : "none" };
}

/** Return the row of a contact as a reply has it; with `user` and `stamp` alone it is deleted. */
export function rowFrom({ user: name, stamp = 0, ...value }: SentContact): AccountRow {
  return Object.keys(value).length ? { name, stamp, value } : { name, stamp };
}

/** Return the numbers of the circles of the owner that a contact is in. */
export function circlesOf(contact: Contact, circles: ReadonlyMap<number, Circle>): number[] {
  return (contact.circles ?? []).filter((number) => (circles.get(number)?.since ?? Infinity) <= contact.stamp);
}

/** Whether two states of a contact have the same in everything that a change names. */
export function isUntouched(change: ContactChange, before: Contact | undefined, now: Contact | undefined): boolean {
  const names = Object.keys(change) as (keyof ContactChange)[];
  const shown = (contact: Contact | undefined) => JSON.stringify(names.map((name) => contact?.[name] || null));
  return shown(before) === shown(now);
}
