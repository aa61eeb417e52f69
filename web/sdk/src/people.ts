/** `@chatd/client/people`: the client with friends, blocks, circles, privacy and cards (protocol.md, "People"). */

import { Client as BaseClient, type ClientOptions } from "./client.js";
import { isUntouched, type Card, type Contact, type ContactChange } from "./core/contacts.js";
import { ChatError } from "./core/errors.js";
import type {
  Audience, Circle, DeviceEntry, Privacy, Profile, ProfileSetRequest, PushOffer, Replies, Request, UsersGetRequest,
} from "./core/packets.js";
import type { MediaOffer } from "./media/offer.js";
import { PeopleAccount } from "./core/people.js";

export { levelOf, badgeOf, MEMBERS_ALL, type Asking, type Level, type Levels } from "./core/attention.js";
export { circlesOf, type Card, type Contact, type ContactChange } from "./core/contacts.js";
export { isDeleted, isRetained } from "./core/own_view.js";
export type { Audience, Circle, Privacy, Profile, PushOffer } from "./core/packets.js";
export type { MediaOffer } from "./media/offer.js";

/** The connected copy of one chat account on one device, with people.
 *
 * A request that acts on a contact names the row that it acted on: when that moved meanwhile, on another device or by
 * the other user, it is refused with `conflict`, and `contacts` has the row as it is now.
 */
export class Client extends BaseClient {
  constructor(options: ClientOptions) {
    super({ ...options, account: PeopleAccount });
  }

  // The local state.

  /** The feature words in force, as of the last hello; without `people` nothing here is (protocol.md, "hello"). */
  get features(): readonly string[] {
    return this._account.told.features;
  }

  /** What the server said of push notifications as of the last hello: the platforms that it reaches, its key for browsers,
   * and whether it knows where to reach this device. Undefined where it sends none (`@chatd/client/push`). */
  get push(): PushOffer | undefined {
    return this._account.told.push;
  }

  /** What the server said of files as of the last hello; undefined where it takes none (`@chatd/client/media`). */
  get media(): MediaOffer | undefined {
    return this._account.told.media;
  }

  /** Default, widest and narrowest audience of the capabilities for which the host has set others (protocol.md,
   * "Privacy"). */
  get audiences(): Readonly<Record<string, readonly string[]>> {
    return this._account.told.audiences;
  }

  /** The other users as this one has them: friends, requests, blocks, remarks (protocol.md, "Contacts and circles"). */
  get contacts(): ReadonlyMap<string, Contact> {
    return this._account.rows.contacts;
  }

  /** The number of friend requests that wait for an answer of this user. */
  get friendRequests(): number {
    return [...this.contacts.values()].filter(({ state }) => state === "received").length;
  }

  /** The own circles by number; `circlesOf` says who is in them. */
  get circles(): ReadonlyMap<number, Circle> {
    const circles = (this.accountRows().circles ?? []) as Circle[];
    return new Map(circles.map((circle) => [circle.number, circle]));
  }

  /** Whom this user lets do what, as far as they chose (protocol.md, "Privacy"). */
  get privacy(): Privacy {
    return { rules: {}, ...(this.accountRows().privacy as Partial<Privacy> | undefined) };
  }

  /** The own card, whole; undefined while this user never changed it (protocol.md, "Cards"). */
  get profile(): Profile | undefined {
    const { profile } = this.accountRows();
    return profile ? { user: this.user, ...profile } : undefined;
  }

  /** The cards of others that are kept here; one that is `stale` is to be fetched again when it is shown. */
  override get users(): ReadonlyMap<string, Card> {
    return super.users;
  }

  /** Whether `receipts` and `presence` are shown to others, whichever device chose so. */
  get preferences(): Readonly<{ receipts: boolean; presence: boolean }> {
    return { receipts: true, presence: true, ...(this.accountRows().preferences as object | undefined) };
  }

  // Friends.

  /** Ask a user to be friends; of two who ask each other, both are at once. */
  requestFriend(user: string, wish: { note?: string; via?: string } = {}): Promise<Contact> {
    return this._act({ type: "friend.request", user, ...wish });
  }

  acceptFriend(user: string): Promise<Contact> {
    return this._act({ type: "friend.accept", user });
  }

  /** Decline a request; who asked is not told. */
  declineFriend(user: string): Promise<Contact> {
    return this._act({ type: "friend.decline", user });
  }

  /** Take an own request back. */
  cancelFriend(user: string): Promise<Contact> {
    return this._act({ type: "friend.cancel", user });
  }

  /** End a friendship. */
  removeFriend(user: string): Promise<Contact> {
    return this._act({ type: "friend.remove", user });
  }

  /** Set the remark, the circles, the follow or the block of a user. It is repeated once when only something else of the
   * contact changed meanwhile. */
  async setContact(user: string, change: ContactChange): Promise<Contact> {
    const before = this.contacts.get(user);
    try {
      return await this._act({ type: "contact.set", user, ...change });
    } catch (error) {
      const now = this.contacts.get(user);
      if (!isLate(error) || now?.stamp === before?.stamp || !isUntouched(change, before, now)) throw error;
      return this._act({ type: "contact.set", user, ...change });
    }
  }

  // Devices.

  /** Return the devices of this user. */
  async devices(): Promise<DeviceEntry[]> {
    return (await this.call({ type: "devices.list" })).devices;
  }

  /** Log out a device of this user. */
  async removeDevice(device: string): Promise<void> {
    await this.call({ type: "devices.remove", device });
  }

  /** Set whether others see how far this user has read; who hides it sees nobody's (protocol.md, "preferences"). */
  async showReceipts(receipts: boolean): Promise<void> {
    await this.call({ type: "preferences", receipts });
  }

  /** Set whether others see when this user is online; who hides it sees nobody's (protocol.md, "preferences"). */
  async showPresence(presence: boolean): Promise<void> {
    await this.call({ type: "preferences", presence });
  }

  // Circles and privacy.

  /** Make a circle, or rename the one with this number; return it. */
  async setCircle(name: string, number?: number): Promise<Circle> {
    return (await this.call({ type: "circle.set", name, ...(number !== undefined && { number }) })).circle;
  }

  async deleteCircle(number: number): Promise<void> {
    await this.call({ type: "circle.delete", number });
  }

  /** Replace the rules of these capabilities; return all. */
  async setPrivacy(rules: Readonly<Record<string, Audience>>): Promise<Privacy> {
    return (await this.call({ type: "privacy.set", rules })).privacy;
  }

  // Cards.

  /** Change the own card (protocol.md, "profile.set"); return it. */
  async setProfile(change: Omit<ProfileSetRequest, "type">): Promise<Profile> {
    const { profile } = await this.call({ ...change, type: "profile.set" });
    await this._engine.keepUsers([plateOf(profile)]);
    return profile;
  }

  /** Fetch the cards of at most 100 users into `users`, as far as those are new, and return them without pages. */
  override async fetchUsers(users: Iterable<string>): Promise<Profile[]> {
    const asked = [...new Set(users)];
    const known = (user: string): Profile => this.users.get(user) ?? { user };
    for (let rest = asked; rest.length;) {
      const versions = rest.map((user) => known(user).version ?? 0);
      const reply = await this.call({ type: "users.get", users: rest, versions });
      await this._engine.keepUsers(reply.users);
      // Not all fit into a frame: those behind `more` are asked for again.
      rest = reply.more === undefined ? [] : rest.slice(rest.indexOf(reply.more) + 1);
    }
    return asked.map(known);
  }

  /** Return the card of a user with its page; with `as` the own one, as a stranger, a friend or a circle sees it. */
  async fetchCard(user: string, as?: UsersGetRequest["as"]): Promise<Profile> {
    const reply = await this.call({ type: "users.get", users: [user], page: true, ...(as !== undefined && { as }) });
    const { users: [card = { user }] } = reply;
    if (as === undefined) await this._engine.keepUsers([plateOf(card)]);
    return card;
  }

  /** Return the user with this handle, if there is one who lets themself be found. */
  async findUser(handle: string): Promise<Profile | undefined> {
    const { users } = await this.call({ type: "users.find", handle });
    await this._engine.keepUsers(users);
    return users[0];
  }

  // Message requests: rooms whose summary has `request`.

  /** Let who wrote in a message request go on. */
  async acceptRoom(room: string): Promise<void> {
    await this.call({ type: "room.accept", room });
  }

  /** Decline a message request, and with `block` its author; who wrote is not told. */
  async declineRoom(room: string, { block = false } = {}): Promise<void> {
    await this.call({ type: "room.decline", room, ...(block && { block }) });
  }

  // Internal.

  private get _account(): PeopleAccount {
    return this._engine.account as PeopleAccount;
  }

  /** Return the stamp of the row of a user, also of one that is gone; 0 without one. */
  private _stamp(user: string): number {
    return this._account.rows.row(`contacts ${user}`)?.stamp ?? 0;
  }

  /** Ask for a step on a contact, as of the row that is here. */
  private async _act(asked: ContactStep): Promise<Contact> {
    const { user } = asked;
    const seen = this._stamp(user);
    try {
      const { contact } = await this.call({ ...asked, seen } as ContactStep);
      this._account.takeContact(contact);
      return this.contacts.get(user) ?? { stamp: 0, ...contact, state: "none" };
    } catch (error) {
      // The row that changed is to be here when the app hears of it.
      if (isLate(error) && this._stamp(user) === seen) await this.sync().catch(() => {});
      throw error;
    }
  }
}

/** A request that acts on a contact. */
type ContactStep = Extract<Request, { type: Steps }>;
type Steps = { [Type in keyof Replies]: Replies[Type] extends { contact: unknown } ? Type : never }[keyof Replies];

/** Whether an error says that the contact changed meanwhile. */
function isLate(error: unknown): boolean {
  return error instanceof ChatError && error.code === "conflict" && error.field === "seen";
}

/** Return a card without what is shown to some only. */
function plateOf({ page: _page, common: _common, ...plate }: Profile): Profile {
  return plate;
}
