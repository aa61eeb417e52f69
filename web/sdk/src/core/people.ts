/** The part of an account that is about other people: contacts, privacy, cards (protocol.md, "People"); pure.
 *
 * Contacts, circles, privacy and the own card are account rows, which the one cursor keeps in step. Cards of others are
 * no rows: they come with full rounds, once a day those that changed, and when somebody asks for them.
 */

import { Account, type AccountDelegate } from "./account.js";
import { AccountRows, splitPlace, type Place } from "./account_rows.js";
import type { Change } from "./changes.js";
import type { MediaOffer } from "../media/offer.js";
import { contactFrom, rowFrom, type Contact } from "./contacts.js";
import { messageFrom, type Message } from "./messages.js";
import type {
  AccountRow, Event, HelloReply, Packet, Profile, Push, PushOffer, Contact as SentContact, SyncPage, UsersGetReply,
} from "./packets.js";
import type { Tables } from "./records.js";
import { Replica, type Owner } from "./replica.js";

/** Milliseconds between two questions for the cards that changed. */
export const CARDS_MS = 24 * 3600 * 1000;

const CONTACTS = "contacts";

/** The keys of a `settings` event that replace those of the summary. */
const SETTINGS = ["title", "avatar", "public", "data", "about", "tags", "comments"];

/** The rows of the section `account` with a change of their own. */
const OWN_CHANGES: Readonly<Record<string, Change>> = {
  circles: { kind: "circlesChanged" }, privacy: { kind: "privacyChanged" }, profile: { kind: "profileChanged" },
};

/** The rest of the client, as an account with people sees it. */
export interface PeopleDelegate extends AccountDelegate {
  /** The cards that are kept. */
  readonly users: ReadonlyMap<string, Profile>;
  readonly env: { timeMs(): number };
  keepUsers(users: readonly Profile[]): Promise<void>;
  call(packet: Packet): Promise<Packet>;
  log(text: string): void;
}

/** The rows, with the contacts made of them. */
class PeopleRows extends AccountRows {
  readonly contacts = new Map<string, Contact>();
  /** Whom the user blocks. */
  readonly blocked = new Set<string>();

  override adopt(place: Place, row: AccountRow | undefined): void {
    super.adopt(place, row);
    const [section, user] = splitPlace(place);
    if (section !== CONTACTS) return;
    const contact = row && "value" in row ? contactFrom(row) : undefined;
    if (contact) this.contacts.set(user, contact);
    else this.contacts.delete(user);
    if (contact?.blocked) this.blocked.add(user);
    else this.blocked.delete(user);
  }
}

/** A room in which messages of users that one blocked when they came count nothing (protocol.md, "Blocks and groups"). */
class PeopleReplica extends Replica {
  // By ordinal: whether a message that came too early to be applied counts nothing.
  private readonly _early = new Map<number, boolean>();

  constructor(room: string, owner: Owner, private readonly _blocked: ReadonlySet<string>) {
    super(room, owner);
  }

  override reset(): void {
    super.reset();
    this._early.clear();
  }

  /** Take what came with the head of a channel: its newest post, or a change of its settings (protocol.md, "How posts arrive"). */
  takePost(event: Event): Change[] {
    if (event.seq <= this.timeline.head) return [];
    if (event.kind !== "settings") this._show(messageFrom(this.room, event));
    else {
      const changed = Object.entries(event).filter(([name]) => SETTINGS.includes(name));
      const policy = event.policy && { policy: { ...this.summary.policy, ...event.policy } };
      this.summary = { ...this.summary, ...Object.fromEntries(changed), ...policy };
    }
    return [{ kind: "roomChanged", room: this.room }];
  }

  override feed(events: readonly Event[]): Change[] {
    const changes = super.feed(events);
    if (!this.timeline.behind) this._early.clear();
    for (const event of events) {
      if (event.ordinal && event.seq > this.timeline.applied) this._early.set(event.ordinal, this._isUncounted(event));
    }
    return changes;
  }

  override get badge(): number {
    const skipped = [...this._early].filter(([ordinal, isUncounted]) => isUncounted && ordinal > this.asOf);
    return this.unread + Math.max(0, this.timeline.ordinal - this.asOf - skipped.length);
  }

  protected override _isUncounted(message: Event | Message): boolean {
    const { user = "", ordinal = 0 } = message;
    return this._early.get(ordinal) ?? (super._isUncounted(message) || this._blocked.has(user));
  }
}

/** What a server says of itself: the feature words in force, the default, widest and narrowest audience of the capabilities
 * for which the host has set others, and what it offers of push notifications and of files, if anything. */
export interface Told {
  readonly features: readonly string[];
  readonly audiences: Readonly<Record<string, readonly string[]>>;
  readonly push?: PushOffer | undefined;
  readonly media?: MediaOffer | undefined;
}

const NOTHING: Told = { features: [], audiences: {} };

/** The local copy of an account with people. */
export class PeopleAccount extends Account {
  override readonly asked = ["account", "people", "reports", "bots", "push", "media", "groups", "drafts", "channels", "search", "discovery"];
  override readonly rows = new PeopleRows();
  /** What the server said of itself in the last hello (protocol.md, "hello"). */
  told: Told = NOTHING;
  /** The time of the last question for cards that changed, and the stamp from which the next one goes on. */
  cards: { readonly at: number; readonly stamp: number } | undefined;

  override takeHello(reply: HelloReply): void {
    const { epoch } = this;
    super.takeHello(reply);
    if (epoch !== this.epoch) this._setCards(undefined);
    const { features, audiences = {}, push, media } = reply;
    const told = { features, audiences, push, media };
    if (JSON.stringify(told) === JSON.stringify(this.told)) return;
    this.told = told;
    this._store("account", "told");
    this._delegate.onChange({ kind: "changesMissed" });
  }

  override takeSync(page: SyncPage): string {
    this._keep(page.users ?? []);
    const more = super.takeSync(page);
    // The plates of this round are newer than its first rows, so the next question may begin there.
    const stamp = Math.max(0, ...Object.values(page.sections ?? {}).flat().map((row) => row.stamp));
    if (stamp && !this.cards) this._setCards({ at: this._people.env.timeMs(), stamp });
    if (!more) this._askForCards();
    return more;
  }

  override takePush(packet: Packet): void {
    const push = packet as Push;
    if (push.type === "head") for (const { room, preview } of push.rooms) if (preview) this._takePost(room, preview);
    super.takePush(packet);
    if (push.type !== "profiles") return;
    const { users } = this._people;
    const known = push.users.filter(({ user }) => users.has(user));
    const old = known.filter(({ user, version }) => version > (users.get(user)!.version ?? 0));
    this._keep(old.map(({ user }) => ({ ...users.get(user)!, stale: true })));
  }

  /** Take a contact as a reply has it; one without a stamp never was. */
  takeContact(contact: SentContact): void {
    if (contact.stamp) this._changedRows(this.rows.take({ [CONTACTS]: [rowFrom(contact)] }));
  }

  override restore(tables: Tables): void {
    this.told = NOTHING;
    this.cards = undefined;
    super.restore(tables);
  }

  protected override _make(room: string): Replica {
    return new PeopleReplica(room, this, this.rows.blocked);
  }

  protected override _changedRows(places: readonly Place[]): void {
    const users: string[] = [];
    for (const place of places) {
      const [section, name] = splitPlace(place);
      this._store("rows", place);
      if (section === CONTACTS) users.push(name);
      else this._delegate.onChange(OWN_CHANGES[name] ?? { kind: "accountChanged", section, name });
    }
    if (users.length) this._delegate.onChange({ kind: "contactsChanged", users });
  }

  private _takePost(room: string, post: Event): void {
    const replica = this.replica(room) as PeopleReplica;
    this.publish(replica, replica.takePost(post));
  }

  private get _people(): PeopleDelegate {
    return this._delegate as PeopleDelegate;
  }

  /** Ask for the cards of contacts that changed, if that is due. */
  private _askForCards(): void {
    const now = this._people.env.timeMs();
    if (!this.cards || !this.told.features.includes("people") || now - this.cards.at < CARDS_MS) return;
    // Whatever becomes of it: the next question is due in a day.
    this._setCards({ ...this.cards, at: now });
    this._takeCards({ since: this.cards.stamp }).catch((error: unknown) => this._people.log(`no cards: ${error}`));
  }

  private async _takeCards(asked: { since: number } | { more: string }): Promise<void> {
    const reply = (await this._people.call({ type: "users.get", ...asked })) as UsersGetReply;
    this._keep(reply.users);
    if (reply.more) return this._takeCards({ more: reply.more });
    if (this.cards) this._setCards({ at: this.cards.at, stamp: reply.stamp ?? this.cards.stamp });
  }

  private _setCards(cards: PeopleAccount["cards"]): void {
    this.cards = cards;
    this._store("account", "cards");
  }

  private _keep(users: readonly Profile[]): void {
    this._people.keepUsers(users).catch((error: unknown) => this._people.log(`not stored: ${error}`));
  }
}
