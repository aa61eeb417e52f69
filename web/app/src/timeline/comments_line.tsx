/** Below a post of a channel: how many comments there are, and the way to them. Above a comment in its group: the way to
 * the post. */
import "../groups/group_styles.js";
import { useEffect } from "preact/hooks";
import { number, t } from "../locale/locale.js";
import { Icon } from "../shell/icons.js";
import { follow, hrefOf } from "../shell/router.js";
import { countOf, recount } from "./comment_counts.js";

/** More are not counted (protocol.md, "comments"). */
const COUNTED_MAX = 1000;

export function PostLine({ channel, post }: { channel: string; post: number }) {
  return (
    <a class="post-line" href={hrefOf({ name: "chat", room: channel, about: false, post })} onClick={follow}>
      {t("comments.on")}
    </a>
  );
}

export function CommentsLine({ channel, post }: { channel: string; post: number }) {
  const count = countOf(channel, post).value;
  useEffect(() => recount(channel, post), [channel, post]);
  const text = count < COUNTED_MAX ? t("comments.count", { count }) : t("comments.many", { count: number(COUNTED_MAX) });
  return (
    <a class="comments-line" href={hrefOf({ name: "chat", room: channel, about: false, post })} onClick={follow}>
      <Icon name="chat" />
      <span>{count ? text : t("comments.add")}</span>
    </a>
  );
}
