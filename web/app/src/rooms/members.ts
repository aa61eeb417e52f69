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
}

/** Members of a page. */
const PAGE = 100;

export class MemberList {
  /** The members fetched so far. */
  readonly members = signal<readonly Member[]>([]);
  private step = 0;
  private more: string | undefined;
  private fetching = false;

  /** With a `prefix` only users whose id begins so. */
  constructor(
    private readonly room: string,
    private readonly prefix: string,
  ) {}

  /** Fetch the next page, if there is one; pages of one role follow those of the role before. */
  async next(): Promise<void> {
    if (this.fetching || this.step >= ROLES.length) return;
    this.fetching = true;
    const before = this.members.peek().length;
    // A role that nobody has gives an empty page: go on until there is something to show.
    while (this.step < ROLES.length && this.members.peek().length === before) {
      const role = ROLES[this.step]!;
      const reply = await attempt(() => this.page(role));
      if (!reply) break;
      const found = reply.members.map(({ user }: MemberEntry) => ({ user, role }));
      this.members.value = [...this.members.peek(), ...found];
      this.more = reply.more;
      if (!this.more) this.step += 1;
    }
    this.fetching = false;
  }

  private page(role: Role): Promise<MembersListReply> {
    const asked = { type: "members.list", room: this.room, role, limit: PAGE };
    return client().call({ ...asked, ...(this.prefix && { prefix: this.prefix }), ...(this.more && { more: this.more }) });
  }
}
