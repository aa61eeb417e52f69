/** How many comments there are on the posts on the screen: asked for together, and again when they come back. */
import { signal, type Signal } from "@preact/signals";
import { countComments } from "@chatd/client/conversations";
import { client } from "../shell/state.js";

/** Posts of one request (protocol.md, "comments"). */
const POSTS_MAX = 50;

const counts = new Map<string, Signal<number>>();
const wanted = new Map<string, Set<number>>();

/** The number of comments on a post, 0 until it is known. */
export function countOf(channel: string, post: number): Signal<number> {
  const name = `${channel} ${post}`;
  let count = counts.get(name);
  if (!count) counts.set(name, (count = signal(0)));
  return count;
}

/** Ask how many there are now. */
export function recount(channel: string, post: number): void {
  const posts = wanted.get(channel) ?? new Set();
  posts.add(post);
  if (wanted.has(channel)) return;
  wanted.set(channel, posts);
  setTimeout(() => void ask(channel), 0);
}

async function ask(channel: string): Promise<void> {
  const posts = [...wanted.get(channel)!];
  wanted.delete(channel);
  for (let from = 0; from < posts.length; from += POSTS_MAX) {
    const some = posts.slice(from, from + POSTS_MAX);
    // Without an answer the numbers stay as they were.
    const found = await countComments(client(), channel, some).catch(() => undefined);
    if (found) for (const post of some) countOf(channel, post).value = found.get(post) ?? 0;
  }
}
