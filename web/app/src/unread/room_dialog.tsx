/** The messages that the unread number of a chat counts. */
import "../search/styles.js";
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Message } from "@chatd/client";
import { unreadIn, type UnreadIn } from "@chatd/client/conversations";
import { shortTime } from "../locale/dates.js";
import { t } from "../locale/locale.js";
import { titleOf } from "../rooms/names.js";
import { showMessage } from "../search/wanted.js";
import { wordsOf } from "../shell/attachment_words.js";
import { Avatar } from "../shell/avatar.js";
import { isBlocked } from "../shell/contacts.js";
import { closeDialog, Dialog } from "../shell/dialog.js";
import { attempt, errorText } from "../shell/errors.js";
import { client, roomOf, type RoomState } from "../shell/state.js";
import { userOf } from "../shell/users.js";
import { markRead } from "./read_rooms.js";

/** Most messages that are shown: those of one request. */
const SHOWN_MAX = 100;

export function UnreadMessages({ room: id }: { room: string }) {
  const room = roomOf(id);
  return room && <Messages room={room} />;
}

function Messages({ room }: { room: RoomState }) {
  const found = useSignal<UnreadIn | undefined>(undefined);
  const messages = useSignal<readonly Message[]>([]);
  const problem = useSignal("");
  useEffect(() => {
    void (async () => {
      try {
        const page = await unreadIn(client(), room.id);
        const seqs = page.seqs.slice(0, SHOWN_MAX);
        messages.value = seqs.length ? await room.room.fetch(seqs) : [];
        found.value = page;
      } catch (error) {
        problem.value = errorText(error);
      }
    })();
  }, [room]);
  const read = () => void attempt(async () => (await markRead([room]), closeDialog()));
  const page = found.value;
  const left = page ? page.unread - messages.value.length : 0;
  const actions = page && (page.unread > 0 || room.summary.value.unread_mark) && (
    <button type="submit" class="button primary">
      {t("row.read")}
    </button>
  );
  return (
    <Dialog title={t("unread.title")} actions={actions} onSubmit={read}>
      <p class="problem" role="alert">
        {problem}
      </p>
      <p class="quiet small" role="status">
        {page && (
          <>
            <bdi>{titleOf(room)}</bdi>: {page.unread ? t("unread.why", { count: page.unread }) : t(room.summary.value.unread_mark ? "unread.marked" : "unread.none")}
          </>
        )}
      </p>
      <ul class="hits">
        {messages.value.map((message) => (
          <li key={message.seq}>
            <Row message={message} mentioned={page?.mentions.includes(message.seq) ?? false} onOpen={() => showMessage(room.id, message.seq)} />
          </li>
        ))}
      </ul>
      {left > 0 && <p class="quiet small">{t("unread.more", { count: left })}</p>}
    </Dialog>
  );
}

function Row({ message, mentioned, onOpen }: { message: Message; mentioned: boolean; onOpen: () => void }) {
  const author = userOf(message.user).value;
  const covered = isBlocked(message.user);
  return (
    <button type="button" class="hit" onClick={onOpen}>
      <Avatar {...author} picture={author.avatar} size="header" />
      <span class="hit-text">
        <span class="hit-head">
          <span class="line name">
            <bdi>{author.name}</bdi>
          </span>
          <time class="small quiet">{shortTime(message.time)}</time>
        </span>
        <span class="hit-words clamped">
          {covered || message.recalled ? <i>{t(covered ? "row.covered" : "row.recalled")}</i> : <bdi>{message.text || wordsOf(message.body)}</bdi>}
        </span>
      </span>
      {mentioned && (
        <span class="badge" role="img" aria-label={t("unread.mention")}>
          @
        </span>
      )}
    </button>
  );
}
