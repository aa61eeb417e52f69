/** The tags of a group. */

/** Most characters of one, and most of them (protocol.md, "Governed groups"). */
export const TAG_MAX = 24;
export const TAGS_MAX = 5;

/** Return the tags in a text: words between commas or spaces, without a number sign. */
export function tagsIn(text: string): string[] {
  const tags = text.split(/[\s,，、#]+/u).map((tag) => [...tag].slice(0, TAG_MAX).join(""));
  return [...new Set(tags.filter(Boolean))].slice(0, TAGS_MAX);
}
