/** The members of a group, owners first, then admins, then the others; fetched page by page as far as one scrolls. */
import { signal } from "@preact/signals";
import type { MemberEntry, MembersListReply } from "@chatd/client";
import { attempt } from "../shell/errors.js";
import { client } from "../shell/state.js";

export const ROLES = ["owner", "admin", "member"] as const;
export type Role = (typeof ROLES)[number];

export interface Member {
  user: string;
  role: Role;
  nickname?: string;
  /** The member may not write until this time; 1 for ever. */
  silenced_until?: number;
}

/** Members of a page. */
const PAGE = 100;

export class MemberList {
  /** The members fetched so far. */
  readonly members = signal<readonly Member[]>([]);
  private step = 0;
  private more: string | undefined;
  private fetching: Promise<void> = Promise.resolve();

  /** With a `prefix` only users whose id begins so. */
  constructor(
    private readonly room: string,
    private readonly prefix: string,
    private readonly roles: readonly Role[] = ROLES,
  ) {}

  /** Fetch the next page, if there is one; pages of one role follow those of the role before. */
  next(): Promise<void> {
    return this.after(async () => {
      const { length } = this.members.peek();
      if (this.step < this.roles.length) await this.fetch([...this.members.peek()], length + 1);
    });
  }

  /** Fetch everything anew that was fetched before; until it is there the old members stay. */
  reload(): Promise<void> {
    return this.after(() => {
      this.step = 0;
      this.more = undefined;
      return this.fetch([], this.members.peek().length);
    });
  }

  private after(work: () => Promise<void>): Promise<void> {
    return (this.fetching = this.fetching.then(work));
  }

  /** Fetch pages until there are `least` members; a role that nobody has gives an empty page. After a
   * refusal the list stays as it is. */
  private async fetch(members: Member[], least: number): Promise<void> {
    while (this.step < this.roles.length && members.length < least) {
      const role = this.roles[this.step]!;
      const reply = await attempt(() => this.page(role));
      if (!reply) return;
      // Where members are hidden, those who are shown may come under any role.
      const isNew = ({ user }: MemberEntry): boolean => members.every((other) => other.user !== user);
      members.push(...reply.members.filter(isNew).map((member: MemberEntry) => ({ ...member, role })));
      this.more = reply.more;
      if (!this.more) this.step += 1;
    }
    this.members.value = members;
  }

  private page(role: Role): Promise<MembersListReply> {
    const asked = { type: "members.list", room: this.room, role, limit: PAGE };
    return client().call({ ...asked, ...(this.prefix && { prefix: this.prefix }), ...(this.more && { more: this.more }) });
  }
}
