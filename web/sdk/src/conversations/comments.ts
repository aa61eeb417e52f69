/** Comments on the posts of a channel, in the group that is linked to it (protocol.md, "Comments"). One is written by
 * `group.post(text, { post })`. */

import type { Client } from "../client.js";
import { messageFrom, type Page } from "../core/messages.js";
import type { CommentsReply, HistoryReply } from "../core/packets.js";
import type { Room } from "../rooms.js";

/** Have the comments on the posts of a channel in this group; "": nowhere. */
export async function linkComments(channel: Room, group: string): Promise<void> {
  await channel.mutate("room.update", { comments: group });
}

/** Return a page of the comments on a post, ascending: the newest, or as `room.history` gives messages. The page says what it covers; nothing of it
 * is kept. */
export async function commentsOn(
  client: Client, group: string, post: number, asked: { before?: number; after?: number; around?: number; limit?: number } = {},
): Promise<Page> {
  const { events, low, high, seq, end = false } = (
    await client.call({ ...asked, type: "history", room: group, post })
  ) as HistoryReply;
  return { messages: events.map((event) => messageFrom(group, event)), low, high, seq, end };
}

/** Return how many comments there are on these posts of a channel, at most 50; 1000 is 1000 or more. */
export async function countComments(client: Client, channel: string, posts: Iterable<number>): Promise<Map<number, number>> {
  const { counts } = (await client.call({ type: "comments", room: channel, seqs: [...posts] })) as CommentsReply;
  return new Map(counts.map(({ seq, count }) => [seq, count]));
}
