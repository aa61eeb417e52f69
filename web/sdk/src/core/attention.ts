/** What a room asks of its user: a share of the number on the icon, and which messages alert (protocol.md, "Which messages
 * alert"); pure. The number of all rooms together is what the server calls `totals.badge`. */

export type Level = "all" | "mentions" | "none";

/** What the rule looks at: keys of a `Summary`; a client has newer counts than its summary. */
export interface Asking {
  readonly request?: boolean;
  readonly hidden?: boolean;
  /** What the user chose for this room; absent: what they chose for all of its kind. */
  readonly notify?: Level;
  /** Muted until this time; 0 not muted, 1 for ever. */
  readonly muted_until?: number;
  /** 1 is the archive. */
  readonly folder?: number;
  readonly kind?: string;
  readonly unread_mark?: boolean;
  readonly peer?: string;
  readonly members?: number;
  readonly unread?: number;
  readonly unread_mentions?: number;
}

/** What the user chose for all rooms, by kind. */
export interface Levels {
  readonly messages?: Level;
  readonly groups?: Level;
}

/** Members above which a group alerts those only who are named or asked for all, unless the server says another. */
export const MEMBERS_ALL = 500;

/** Return which messages of a room alert; those of people one blocks and silent ones never do. */
export function levelOf(room: Asking, levels: Levels, now: number, membersAll = MEMBERS_ALL): Level {
  const { request, hidden, notify, muted_until = 0, folder, kind, peer, members = 0 } = room;
  if (request || hidden) return "none";
  const level = notify ?? (peer ? levels.messages : levels.groups) ?? "all";
  if (level === "none") return "none";
  const muted = muted_until === 1 || muted_until > now || folder === 1;
  const large = !peer && (members > membersAll || kind === "channel") && notify !== "all";
  return muted || large || level === "mentions" ? "mentions" : "all";
}

/** Return the share of a room in the number on the icon: the sum of what would alert. */
export function badgeOf(room: Asking, levels: Levels, now: number, membersAll = MEMBERS_ALL): number {
  const { request, hidden, unread = 0, unread_mentions = 0, unread_mark } = room;
  const counted = { all: unread, mentions: unread_mentions, none: 0 }[levelOf(room, levels, now, membersAll)];
  return unread_mark && !request && !hidden ? Math.max(counted, 1) : counted;
}
