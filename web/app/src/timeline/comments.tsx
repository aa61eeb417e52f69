/** The comments on a post of a channel: the post, what was said about it, and the composer or the way in. */
import "../groups/group_styles.js";
import { useEffect, useMemo } from "preact/hooks";
import { joinRoom } from "../groups/join_room.js";
import { t } from "../locale/locale.js";
import { Icon } from "../shell/icons.js";
import { follow, hrefOf } from "../shell/router.js";
import { client, phase, roomOf, type RoomState } from "../shell/state.js";
import { Bubble } from "./bubble.js";
import { Chat } from "./chat.js";
import { Foot } from "./chat_screen.js";
import { MessageMenu } from "./menu.js";
import { threadOf } from "./thread.js";
import { Timeline } from "./timeline.js";

interface CommentsProps {
  channel: RoomState;
  post: number;
}

export function Comments({ channel, post }: CommentsProps) {
  const { comments = "" } = channel.summary.value;
  const group = roomOf(comments);
  return (
    <section class="chat comments" aria-label={t("comments.title")}>
      <Post channel={channel} post={post} />
      {group ? <Thread key={group.id} channel={channel} group={group} post={post} /> : <WayIn group={comments} />}
    </section>
  );
}

/** The post as it stands in the channel, and the way back to it. */
function Post({ channel, post }: CommentsProps) {
  const chat = useMemo(() => new Chat(channel), [channel]);
  useEffect(() => () => chat.model.close(), [chat]);
  const message = chat.model.quoted(post).value;
  return (
    <div class="comments-post">
      <div class="comments-head">
        <h2>{t("comments.title")}</h2>
        <a class="icon-button" href={hrefOf({ name: "chat", room: channel.id, about: false })} onClick={follow} aria-label={t("comments.close")} title={t("comments.close")}>
          <Icon name="close" />
        </a>
      </div>
      {message && (
        <div class="message in first last">
          <div class="bubble-line">
            <Bubble chat={chat} message={message} named={false} />
          </div>
        </div>
      )}
      {message === null && <p class="quiet">{t("comments.gone")}</p>}
    </div>
  );
}

/** Who is not in the group yet joins it to read and to write. */
function WayIn({ group }: { group: string }) {
  if (!group) return <p class="welcome">{t("comments.closed")}</p>;
  return (
    <>
      <p class="welcome">{t("comments.members")}</p>
      <div class="channel-bar">
        <button type="button" class="button primary" disabled={phase.value !== "ready"} onClick={() => void joinRoom(group)}>
          {t("comments.join")}
        </button>
      </div>
    </>
  );
}

function Thread({ channel, group, post }: CommentsProps & { group: RoomState }) {
  const chat = useMemo(() => new Chat(threadOf(group, post)), [group, post]);
  useEffect(() => {
    // Behind the pane, which names its room as it is drawn.
    const timer = setTimeout(() => client().focus([channel.id, group.id]));
    return () => (clearTimeout(timer), client().focus([channel.id]));
  }, [channel, group]);
  return (
    <>
      <Timeline chat={chat} />
      <Foot chat={chat} />
      <MessageMenu chat={chat} />
    </>
  );
}
