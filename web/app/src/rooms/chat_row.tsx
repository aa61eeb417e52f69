/** One row of the list of chats: face, name, time, and the last message, a draft, or who is typing. */
import type { Message } from "@chatd/client";
import { useComputed } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { shortTime } from "../locale/dates.js";
import { t } from "../locale/locale.js";
import { wordsOf } from "../shell/attachment_words.js";
import { Avatar } from "../shell/avatar.js";
import { Count } from "../shell/count.js";
import { isBlocked } from "../shell/contacts.js";
import { draftOf } from "../shell/drafts.js";
import { Icon, type IconName } from "../shell/icons.js";
import { Kind } from "../shell/kind.js";
import { follow, hrefOf, openRoom } from "../shell/router.js";
import { isMuted, me, type RoomState, shownOf } from "../shell/state.js";
import { userOf } from "../shell/users.js";
import { faceOf, titleOf } from "./names.js";

export function ChatRow({ room }: { room: RoomState }) {
  useEffect(() => room.listen((change) => void (change.kind === "roomMoved" && freshen(room))), [room]);
  const { seq, ordinal, request } = room.summary.value;
  useEffect(() => {
    // The push that tells of a room has no message; nor do pushes about a message request.
    const shown = room.preview.peek()?.seq ?? 0;
    if (request ? shown < seq : !shown && ordinal > 0) void fetchPreview(room);
  }, [room, seq, ordinal, request, !room.preview.value]);
  const current = useComputed(() => openRoom.value === room.id).value;
  const { muted_until, peer, pinned } = room.summary.value;
  const muted = isMuted({ muted_until });
  return (
    <a
      class="chat-row"
      href={hrefOf({ name: "chat", room: room.id, about: false })}
      onClick={follow}
      aria-current={current ? "page" : undefined}
    >
      <Avatar {...faceOf(room)} />
      <span class="chat-row-head">
        <span class="line name">
          <bdi>{titleOf(room)}</bdi>
        </span>
        {peer && <Kind kind={userOf(peer).value.kind} />}
        {pinned && <Sign name="pin" label={t("row.pinned")} />}
        {muted && <Sign name="bell-off" label={t("row.muted")} />}
        {room.time > 0 && <time class="quiet">{shortTime(room.time)}</time>}
      </span>
      <span class="chat-row-foot">
        <Line room={room} />
        <Badge room={room} muted={muted} />
      </span>
    </a>
  );
}

/** The time in which moves of a large room, which come without their messages, are gathered. */
const GATHER_MS = 3000;
const waiting = new Set<string>();

/** Fetch the latest message of a room that moved, for the second line of its row. */
function freshen(room: RoomState): void {
  if (waiting.has(room.id)) return;
  waiting.add(room.id);
  setTimeout(() => (waiting.delete(room.id), void fetchPreview(room)), GATHER_MS);
}

/** Fetch the latest message of a room, for the second line of its row. */
async function fetchPreview(room: RoomState): Promise<void> {
  // Of messages that the user deleted for themself the places are left.
  const limit = room.summary.peek().deleted ? 50 : 1;
  const page = await room.room.history({ limit }).catch(() => undefined);
  room.take();
  const latest = page?.messages.filter((message) => shownOf(room.room, message)).at(-1);
  if (latest && latest.seq > (room.preview.peek()?.seq ?? 0)) room.preview.value = latest;
}

/** An icon that says something by itself. */
function Sign({ name, label }: { name: IconName; label: string }) {
  return (
    <span class="sign" role="img" aria-label={label}>
      <Icon name={name} />
    </span>
  );
}

/** The second line: a draft before who is typing before the last message. */
function Line({ room }: { room: RoomState }) {
  const draft = draftOf(room.id).value.text;
  const [typist] = room.typists.value;
  const preview = room.preview.value;
  if (draft && openRoom.value !== room.id)
    return (
      <span class="line">
        <em class="draft">{t("row.draft")}</em> <bdi>{oneLine(draft)}</bdi>
      </span>
    );
  if (typist) {
    return <span class="line typing">{typingText(room, typist)}</span>;
  }
  if (!preview) return <span class="line">{t(room.summary.value.peer ? "row.empty.direct" : "row.empty.group")}</span>;
  const covered = !room.summary.value.peer && isBlocked(preview.user);
  return (
    <span class="line">
      <Author room={room} user={preview.user} seq={preview.seq} />
      {covered || preview.recalled ? <i>{t(covered ? "row.covered" : "row.recalled")}</i> : <bdi>{textOf(preview)}</bdi>}
    </span>
  );
}

/** Tell who is typing, or speaks. */
export function typingText(room: RoomState, user: string): string {
  const name = room.summary.value.peer ? "" : userOf(user).value.name;
  return t(`row.${room.speaking.value ? "recording" : "typing"}${name && ".name"}` as "row.typing", { name });
}

/** Before the message: in a group its author; in a direct room, of an own one, how far it got. */
function Author({ room, user, seq }: { room: RoomState; user: string; seq: number }) {
  const { peer } = room.summary.value;
  if (!peer)
    return (
      <>
        <bdi>{user === me.value ? t("row.you") : userOf(user).value.name}</bdi>:{" "}
      </>
    );
  if (user !== me.value) return null;
  room.receipts.value;
  const { read = 0, delivered = 0 } = room.room.receipts.get(peer) ?? {};
  const state = seq <= read ? "read" : seq <= delivered ? "delivered" : "sent";
  return (
    <span class={`tick ${state}`} role="img" aria-label={t(`tick.${state}`)}>
      <Icon name={state === "sent" ? "check" : "checks"} />
    </span>
  );
}

/** The count of unread messages, and a mark when the user is mentioned. */
function Badge({ room, muted }: { room: RoomState; muted: boolean }) {
  const [unread, mentions] = [room.unread.value, room.mentions.value];
  if (!unread && room.summary.value.unread_mark)
    return (
      <span class="badge" role="img" aria-label={t("row.marked")}>
        &nbsp;
      </span>
    );
  if (!unread) return null;
  return (
    <>
      {mentions > 0 && (
        <span class="badge" role="img" aria-label={t("row.mentions", { count: mentions })}>
          @
        </span>
      )}
      <Count count={unread} muted={muted} label={t("row.unread", { count: unread })} />
    </>
  );
}

function textOf({ text, body }: Message): string {
  return oneLine(text) || wordsOf(body);
}

/** A text on one line; a long one is cut, since a row shows its beginning only. */
const oneLine = (text: string): string => text.slice(0, 200).replace(/\s+/gu, " ").trim();
