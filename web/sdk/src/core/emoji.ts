/** The normal form of an emoji (protocol.md, "react"), so that the form shown before the server answers is the one it
 * stores; pure. Whether a text is an emoji at all is for the server to decide. */

/** Return an emoji as the server stores it: with U+FE0F where it belongs, and nowhere else. */
export function normalEmoji(emoji: string): string {
  // A new RegExp, as an engine without property escapes refuses the whole file over a literal.
  const bare = new RegExp("(?![#*0-9])(?!\\p{Emoji_Presentation})\\p{Emoji}(?![\\u{1F3FB}-\\u{1F3FF}])|.(?=\\u20e3)", "gu");
  return emoji.replace(/[\ufe0e\ufe0f]/g, "").replace(bare, "$&\ufe0f");
}
