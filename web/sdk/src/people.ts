/** `@chatd/client/people`: the client with friends, blocks, circles, privacy and cards (protocol.md, "People"). */

import { Client as BaseClient, type ClientOptions } from "./client.js";
import {
  isUntouched, type Audience, type Circle, type Contact, type ContactChange, type Privacy,
} from "./core/contacts.js";
import { ChatError } from "./core/errors.js";
import type { Packet, Profile } from "./core/packets.js";
import { PeopleAccount } from "./core/people.js";

export { circlesOf, type Audience, type Circle, type Contact, type ContactChange, type Privacy } from "./core/contacts.js";

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
    return this._account.features;
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
    return { rules: {}, locked: false, ...(this.accountRows().privacy as Partial<Privacy> | undefined) };
  }

  /** The own card, whole; undefined while this user never changed it (protocol.md, "Cards"). */
  get profile(): Profile | undefined {
    const { profile } = this.accountRows();
    return profile ? { user: this.user, ...profile } : undefined;
  }

  // Friends.

  /** Ask a user to be friends; of two who ask each other, both are at once. */
  requestFriend(user: string, wish: { note?: string; via?: string } = {}): Promise<Contact> {
    return this._act("friend.request", user, wish);
  }

  acceptFriend(user: string): Promise<Contact> {
    return this._act("friend.accept", user);
  }

  /** Decline a request; who asked is not told. */
  declineFriend(user: string): Promise<Contact> {
    return this._act("friend.decline", user);
  }

  /** Take an own request back. */
  cancelFriend(user: string): Promise<Contact> {
    return this._act("friend.cancel", user);
  }

  /** End a friendship. */
  removeFriend(user: string): Promise<Contact> {
    return this._act("friend.remove", user);
  }

  /** Set the remark, the circles, the follow or the block of a user. It is repeated once when something else of the
   * contact moved meanwhile. */
  async setContact(user: string, change: ContactChange): Promise<Contact> {
    const before = this.contacts.get(user);
    try {
      return await this._act("contact.set", user, change);
    } catch (error) {
      if (!(error instanceof ChatError) || error.code !== "conflict") throw error;
      const now = this.contacts.get(user);
      if (now?.stamp === before?.stamp || !isUntouched(change, before, now)) throw error;
      return this._act("contact.set", user, change);
    }
  }

  // Circles and privacy.

  /** Make a circle, or rename the one with this number; return it. */
  async setCircle(name: string, number?: number): Promise<Circle> {
    const asked = { type: "circle.set", name, ...(number !== undefined && { number }) };
    return (await this.call<{ circle: Circle }>(asked)).circle;
  }

  async deleteCircle(number: number): Promise<void> {
    await this.call({ type: "circle.delete", number } as Packet);
  }

  /** Replace the rules of these capabilities; return all. */
  async setPrivacy(rules: Readonly<Record<string, Audience>>): Promise<Privacy> {
    const { privacy } = await this.call<{ privacy: Partial<Privacy> }>({ type: "privacy.set", rules } as Packet);
    return { rules: {}, locked: false, ...privacy };
  }

  // Cards.

  /** Change the own card (protocol.md, "profile.set"); return it. */
  async setProfile(change: Packet): Promise<Profile> {
    const { profile } = await this.call<{ profile: Profile }>({ ...change, type: "profile.set" });
    await this._engine.keepUsers([plateOf(profile)]);
    return profile;
  }

  /** Fetch the cards of at most 100 users into `users`, as far as those are new, and return them without pages. */
  override async fetchUsers(users: Iterable<string>): Promise<Profile[]> {
    const asked = [...new Set(users)];
    const known = (user: string): Profile => this.users.get(user) ?? { user };
    for (let rest = asked; rest.length;) {
      const versions = rest.map((user) => known(user).version ?? 0);
      const packet: Packet = { type: "users.get", users: rest, versions };
      const { users: found, more } = await this.call<{ users: Profile[]; more?: string }>(packet);
      // Whose version is still the same has no new card.
      const behind = more === undefined ? [] : rest.slice(rest.indexOf(more) + 1);
      const same = rest.filter((user) => !behind.includes(user) && !found.some((one) => one.user === user));
      await this._engine.keepUsers([...found, ...same.map((user) => plateOf(known(user)))]);
      rest = behind;
    }
    return asked.map(known);
  }

  /** Return the card of a user with its page; with `as` the own one, as a stranger, a friend or a circle sees it. */
  async fetchCard(user: string, as?: "stranger" | "friend" | number): Promise<Profile> {
    const asked: Packet = { type: "users.get", users: [user], page: true, ...(as !== undefined && { as }) };
    const { users: [card = { user }] } = await this.call<{ users: Profile[] }>(asked);
    if (as === undefined) await this._engine.keepUsers([plateOf(card)]);
    return card;
  }

  /** Return the user with this handle, if there is one who lets themself be found. */
  async findUser(handle: string): Promise<Profile | undefined> {
    const { users } = await this.call<{ users: Profile[] }>({ type: "users.find", handle } as Packet);
    await this._engine.keepUsers(users);
    return users[0];
  }

  // Message requests: rooms whose summary has `request`.

  /** Let who wrote in a message request go on. */
  async acceptRoom(room: string): Promise<void> {
    await this.call({ type: "room.accept", room } as Packet);
  }

  /** Decline a message request, and with `block` its author; who wrote is not told. */
  async declineRoom(room: string, { block = false } = {}): Promise<void> {
    await this.call({ type: "room.decline", room, ...(block && { block }) } as Packet);
  }

  // Internal.

  private get _account(): PeopleAccount {
    return this._engine.account as PeopleAccount;
  }

  /** Ask for a step on a contact, as of the row that is here. */
  private async _act(type: string, user: string, wish: object = {}): Promise<Contact> {
    const seen = this._account.rows.row(`contacts ${user}`)?.stamp ?? 0;
    try {
      const { contact } = await this.call<{ contact: Contact }>({ type, user, ...wish, seen } as Packet);
      this._account.takeContact(contact);
      return this.contacts.get(user) ?? { ...contact, state: "none" };
    } catch (error) {
      // The row that moved is to be here when the app hears of it.
      if (error instanceof ChatError && error.code === "conflict") await this.sync();
      throw error;
    }
  }
}

/** Return a card without what is shown to some only. */
function plateOf(card: Profile): Profile {
  const { page: _page, common: _common, stale: _stale, ...plate } = card as Packet;
  return plate as Profile;
}
