/** The comments on one post of a channel as a room of their own, for the parts that show and write messages. */
import { signal } from "@preact/signals";
import type { Message, Page } from "@chatd/client";
import { commentsOn } from "@chatd/client/conversations";
import { client, me, type RoomState } from "../shell/state.js";

/** Return the group of the comments as if it held nothing but those on `post`. What is read there is read in the group. */
export function threadOf(group: RoomState, post: number): RoomState {
  const { room } = group;
  const seen = new Map<number, Message>();
  const history = async (asked: Parameters<typeof commentsOn>[3]): Promise<Page> => {
    const page = await commentsOn(client(), room.id, post, asked);
    for (const message of page.messages) seen.set(message.seq, message);
    return page;
  };
  const timeline = async (limit: number): Promise<Page> => {
    // From here on what comes is told one by one.
    await room.timeline(1);
    return history({ limit });
  };
  /** Read the group up to a comment, unless something about other posts is unread there. */
  const read = (seq: number): void => {
    const known = [...new Map([...seen, ...room.messages]).values()];
    const here = known.filter((message) => message.post === post && message.ordinal && message.user !== me.peek());
    if (here.filter((message) => message.seq > room.readTo && message.seq <= seq).length === room.unread) room.read(seq);
  };
  const fixed = {
    history,
    timeline,
    cached: () => [],
    messages: { get: (seq: number) => room.messages.get(seq) ?? seen.get(seq) },
    notes: new Map(),
    unread: 0,
    read,
    post: (content: Parameters<typeof room.post>[0]) => room.post(content, { post }),
  };
  const values = (from: object) => Object.fromEntries(Object.entries(from).map(([name, value]) => [name, { value }]));
  return Object.create(group, values({ room: Object.create(room, values(fixed)), post, unread: signal(0) }));
}
