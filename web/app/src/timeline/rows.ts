/** The rows of a timeline: messages in groups, lines of the system, days and the divider of the unread; pure. */

/** Messages of one author further apart than this (ms) begin a new group. */
const GROUP_MS = 15 * 60_000;

/** A message as rows need it; what may change of it is not among this. */
export interface Line {
  readonly seq: number;
  readonly key: string;
  readonly user: string;
  readonly time: number;
}

/** A line of the system: who joined, what was renamed, a notice of the host. */
export interface Note {
  readonly seq: number;
  readonly time?: number;
}

/** A message that the server has not acknowledged. */
export interface Pending {
  readonly key: string;
  readonly time: number;
}

export type Row =
  | { readonly kind: "day"; readonly key: string; readonly time: number }
  | { readonly kind: "divider"; readonly key: string }
  | { readonly kind: "note"; readonly key: string; readonly seq: number }
  | {
      readonly kind: "message" | "pending";
      readonly key: string;
      /** 0: not numbered yet. */
      readonly seq: number;
      /** Whether it begins, and ends, a group of one author. */
      readonly first: boolean;
      readonly last: boolean;
    };

export interface Content {
  readonly messages: readonly Line[];
  readonly notes: readonly Note[];
  readonly pending: readonly Pending[];
  /** The `seq` of the first unread message, or 0. */
  readonly divider: number;
  readonly me: string;
}

interface Item {
  readonly kind: "message" | "pending" | "note";
  readonly key: string;
  readonly seq: number;
  readonly user: string;
  readonly time: number;
  /** The day of the reader it belongs to; one without a time has none. */
  readonly day: string;
}

/** Return the rows in their order. The key of a row stays when a pending message becomes one with a number. */
export function rowsOf(content: Content): Row[] {
  const items = itemsOf(content);
  const rows: Row[] = [];
  let day = "";
  for (const [at, item] of items.entries()) {
    const today = item.day || day;
    if (today !== day) rows.push({ kind: "day", key: `day ${today}`, time: item.time });
    day = today;
    if (item.seq > 0 && item.seq === content.divider) rows.push({ kind: "divider", key: "divider" });
    if (item.kind === "note") rows.push({ kind: "note", key: item.key, seq: item.seq });
    else {
      const first = !together(items[at - 1], item, content.divider);
      const last = !together(item, items[at + 1], content.divider);
      rows.push({ kind: item.kind, key: item.key, seq: item.seq, first, last });
    }
  }
  return rows;
}

function itemsOf({ messages, notes, pending, me }: Content): Item[] {
  const items: Item[] = messages.map(({ key, seq, user, time }) => {
    return { kind: "message", key: key || `${seq}`, seq, user, time, day: dayOf(time) };
  });
  for (const { seq, time = 0 } of notes) {
    items.push({ kind: "note", key: `note ${seq}`, seq, user: "", time, day: dayOf(time) });
  }
  items.sort((a, b) => a.seq - b.seq);
  const stored = new Set(messages.map((line) => line.key));
  for (const { key, time } of pending) {
    if (!stored.has(key)) items.push({ kind: "pending", key, seq: 0, user: me, time, day: dayOf(time) });
  }
  return items;
}

function together(a: Item | undefined, b: Item | undefined, divider: number): boolean {
  if (!a || !b || a.kind === "note" || b.kind === "note" || a.user !== b.user) return false;
  if (b.seq > 0 && b.seq === divider) return false;
  return b.time - a.time < GROUP_MS && a.day === b.day;
}

const dayOf = (time: number): string => (time ? new Date(time).toDateString() : "");
