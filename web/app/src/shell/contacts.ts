/** The other users as the own one has them, and what is said of oneself, as signals: remarks, blocks, friends, requests,
 * circles, privacy. Empty where the server has no people.
 */
import { batch, computed, signal, type Signal } from "@preact/signals";
import type { Profile } from "@chatd/client";
import { circlesOf, type Circle, type Contact, type MediaOffer, type Privacy, type PushOffer } from "@chatd/client/people";
import { t } from "../locale/locale.js";
import { notify } from "./announcer.js";
import { client, phase } from "./state.js";
import { userOf, usersChanged } from "./users.js";

type Feature = "people" | "reports" | "bots" | "drafts" | "channels" | "search" | "discovery";

/** Milliseconds in which a friend request is news. */
const NEWS_MS = 60_000;
const NO_RULES: Privacy = { rules: {}, locked: false };
const contacts = new Map<string, Signal<Contact | undefined>>();
/** Grows whenever a contact changes. */
const changed = signal(0);

/** Whether friends, blocks, circles and cards are in force at the server; without them nothing of them is drawn. */
export const peopleOn = signal(false);
const features = signal<readonly string[]>([]);
/** What the server says of push notifications; undefined while it sends none. */
export const pushOffer = signal<PushOffer | undefined>(undefined);
/** What the server says of files; undefined while it takes none. */
export const mediaOffer = signal<MediaOffer | undefined>(undefined);
/** The own circles by number. */
export const circles = signal<ReadonlyMap<number, Circle>>(new Map());
/** Whom the user lets do what. */
export const privacy = signal(NO_RULES);
/** The own card; undefined while it never changed. */
export const ownCard = signal<Profile | undefined>(undefined);

/** The contact with this user, if there is one. */
export function contactOf(user: string): Contact | undefined {
  return signalOf(user).value;
}

/** The numbers of the circles that a user is in. */
export function circlesOfUser(user: string): number[] {
  const contact = contactOf(user);
  return contact ? circlesOf(contact, circles.value) : [];
}

/** Every contact; the caller is drawn again whenever one changes. */
export function allContacts(): Contact[] {
  changed.value;
  return [...contacts.values()].flatMap((contact) => contact.peek() ?? []);
}

/** The number of friend requests that wait for an answer. */
export const friendRequests = computed(() => allContacts().filter(({ state }) => state === "received").length);

/** Whether messages of a user are not to be seen. */
export const isBlocked = (user: string): boolean => contactOf(user)?.blocked ?? false;

/** Whether the server has this switched on. */
export const offers = (word: Feature): boolean => features.value.includes(word);

/** Take over the contacts with these users, or all of them, and what is said of oneself. */
export function peopleChanged(some?: readonly string[]): void {
  const now = client();
  const users = some ?? [...new Set([...contacts.keys(), ...now.contacts.keys()])];
  batch(() => {
    features.value = now.features;
    pushOffer.value = now.push;
    mediaOffer.value = now.media;
    peopleOn.value = offers("people");
    circles.value = now.circles;
    privacy.value = now.privacy;
    ownCard.value = now.profile;
    for (const user of users) take(user, now.contacts.get(user));
    if (users.length) changed.value += 1;
    usersChanged(users);
  });
}

function take(user: string, contact: Contact | undefined): void {
  const known = signalOf(user);
  const isNew = phase.peek() === "ready" && contact?.state === "received" && known.peek()?.state !== "received";
  if (isNew && Date.now() - (contact.since ?? 0) < NEWS_MS) void tellOfRequest(user);
  known.value = contact;
}

/** Say who wants to be a friend; their name may be on its way. */
async function tellOfRequest(user: string): Promise<void> {
  await client().fetchUsers([user]).catch(() => undefined);
  notify(t("people.asks", { name: userOf(user).peek().name }));
}

/** Another user, or none, is signed in. */
export function forgetPeople(): void {
  contacts.clear();
  features.value = [];
  pushOffer.value = mediaOffer.value = undefined;
  peopleOn.value = false;
  circles.value = new Map();
  privacy.value = NO_RULES;
  ownCard.value = undefined;
  changed.value += 1;
}

function signalOf(user: string): Signal<Contact | undefined> {
  let contact = contacts.get(user);
  if (!contact) contacts.set(user, (contact = signal<Contact | undefined>(undefined)));
  return contact;
}
