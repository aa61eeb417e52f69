/** The objects of people (protocol.md, "People"); pure. */

import type { AccountRow } from "./packets.js";

/** Another user as the owner of the account has them (protocol.md, "Contacts and circles"). */
export interface Contact {
  readonly user: string;
  readonly stamp: number;
  /** `none`, `sent` or `received` (a request is pending), or `friend`. */
  readonly state: string;
  /** Friends, or pending, since this time in Unix milliseconds. */
  readonly since?: number;
  /** The end of a pending request, in Unix milliseconds. */
  readonly expires_at?: number;
  readonly note?: string;
  readonly via?: string;
  /** The owner's name for them. */
  readonly remark?: string;
  readonly circles?: readonly number[];
  readonly following?: boolean;
  readonly blocked?: boolean;
}

/** A circle of the owner. `since`: a contact with a lower `stamp` belongs to an earlier circle of this number. */
export interface Circle {
  readonly number: number;
  readonly name: string;
  readonly since: number;
}

/** Whom a rule lets through: everybody up to `to`; `deny` and `allow` are numbers of circles, and go before it. */
export interface Audience {
  readonly to: string;
  readonly allow?: readonly number[];
  readonly deny?: readonly number[];
}

/** The rules of the owner by capability; one without a rule has the audience of the host. */
export interface Privacy {
  readonly rules: Readonly<Record<string, Audience>>;
  /** Whether only the host may change them. */
  readonly locked: boolean;
}

/** What `setContact` changes; what is not named stays. */
export interface ContactChange {
  readonly remark?: string;
  readonly circles?: readonly number[];
  readonly following?: boolean;
  readonly blocked?: boolean;
}

const STATES = ["sent", "received", "friend"];

/** Return the contact of a row. A state that is not known is `none` (protocol.md, "Forward compatibility"). */
export function contactFrom({ name, stamp, value }: AccountRow): Contact {
  const { state = "", ...known } = value as Partial<Contact>;
  return { ...known, user: name, stamp, state: STATES.includes(state) ? state : "none" };
}

/** Return the row of a contact as a reply has it; with `user` and `stamp` alone it is deleted. */
export function rowFrom({ user: name, stamp, ...value }: Partial<Contact> & { user: string; stamp: number }): AccountRow {
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
