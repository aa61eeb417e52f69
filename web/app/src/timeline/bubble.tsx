/** One message: who, what, when, how far it got, and the reactions to it. */
import { useComputed } from "@preact/signals";
import { useMemo } from "preact/hooks";
import type { Message } from "@chatd/client";
import { dateAndTime, timeOfDay } from "../locale/dates.js";
import { t } from "../locale/locale.js";
import { wordsOf } from "../shell/attachment_words.js";
import { Avatar, colourOf } from "../shell/avatar.js";
import { isBlocked } from "../shell/contacts.js";
import { Icon } from "../shell/icons.js";
import { follow, hrefOf } from "../shell/router.js";
import { lazy } from "../shell/lazy.js";
import { Kind } from "../shell/kind.js";
import { me } from "../shell/state.js";
import { userOf } from "../shell/users.js";
import { Actions } from "./actions.js";
import { isOfServer, isVisual, kindOf } from "../media/kinds.js";
import { OutgoingFailed } from "../media/outgoing_failed.js";
import { Attachments, isPicture } from "./attachments.js";
import type { Chat } from "./chat.js";
import { rowEvents } from "./gestures.js";
import { folded, isEmojiOnly } from "./pieces.js";
import { permissionsFor } from "./permissions.js";
import { Quote } from "./quote.js";
import { Buttons } from "./buttons.js";
import { cardOf } from "./card_shapes.js";
import { Origin } from "./origin.js";
import { Reactions } from "./reactions.js";
import { Refused } from "./refused.js";
import { Text } from "./text.js";
import { Tick } from "./tick.js";
import { useWhyEmpty } from "./why_empty.js";

const CommentsLine = lazy(async () => (await import("./comments_line.js")).CommentsLine, <></>);
const PostLine = lazy(async () => (await import("./comments_line.js")).PostLine, <></>);
const MessageCard = lazy(async () => (await import("./card.js")).MessageCard, <></>);

export interface RowProps {
  chat: Chat;
  /** The `key` of the message: the row is the same before and after it has a number. */
  id: string;
  /** 0: it waits in the outbox. */
  seq: number;
  /** Whether it begins, and ends, a group of one author. */
  first: boolean;
  last: boolean;
}

export function MessageRow({ chat, id, seq, first, last }: RowProps) {
  const message = seq ? chat.model.message(seq) : chat.model.pending(id);
  const active = useComputed(() => chat.active.value === id).value;
  const marked = useComputed(() => seq > 0 && chat.marked.value === seq).value;
  const fresh = useMemo(() => chat.model.fresh.has(id), [id]);
  const picks = useComputed(() => chat.selected.value !== null).value;
  const picked = useComputed(() => chat.selected.value?.has(seq) ?? false).value;
  if (!message) return null;
  const own = message.user === me.value;
  const group = !chat.state.summary.value.peer;
  if (group && !own && isBlocked(message.user) && !chat.unfolded.value.has(seq)) return <Covered chat={chat} seq={seq} />;
  const classes = ["message", picks && "picking", picked && "picked", own ? "out" : "in", first && "first", last && "last", group && !own && "faced", marked && "marked", fresh && "new"];
  return (
    <article
      class={classes.filter(Boolean).join(" ")}
      data-seq={seq}
      tabIndex={-1}
      aria-label={labelOf(chat, message)}
      {...(picks ? {} : rowEvents(chat, message, id))}
    >
      {group && !own && last && <Face user={message.user} />}
      <div class="bubble-line">
        <Bubble chat={chat} message={message} named={group && !own && first} />
        {active && !picks && seq > 0 && <Actions chat={chat} message={message} />}
        {!seq && <Refused id={id} chat={chat} />}
        {!seq && <OutgoingFailed id={id} />}
      </div>
      {picks && <Pick chat={chat} message={message} on={picked} />}
    </article>
  );
}

/** While messages are chosen, the whole row is the box to check. */
function Pick({ chat, message, on }: { chat: Chat; message: Message; on: boolean }) {
  if (!permissionsFor(message, chat.state.summary.value, me.value, 0).forward) return null;
  return (
    <button type="button" class="pick" role="checkbox" aria-checked={on} aria-label={labelOf(chat, message)} onClick={() => chat.toggle(message.seq)}>
      <span class="pick-mark">{on && <Icon name="check" />}</span>
    </button>
  );
}

/** A message of somebody the user blocks, until they want to see it. */
function Covered({ chat, seq }: { chat: Chat; seq: number }) {
  return (
    <article class="note covered" data-seq={seq} tabIndex={-1} aria-label={t("chat.covered")}>
      {t("chat.covered")}{" "}
      <button type="button" class="unfold" onClick={() => chat.unfold(seq)}>
        {t("chat.covered.show")}
      </button>
    </article>
  );
}

function Face({ user }: { user: string }) {
  const { name, avatar } = userOf(user).value;
  return (
    <a class="face" href={hrefOf({ name: "person", user })} onClick={follow} tabIndex={-1} aria-hidden="true">
      <Avatar id={user} name={name} picture={avatar} size="group" />
    </a>
  );
}

export function Bubble({ chat, message, named }: { chat: Chat; message: Message; named: boolean }) {
  useWhyEmpty(message);
  const { body, recalled, seq, post } = message;
  const { channel, comments } = chat.state.summary.value;
  return (
    <div class={`bubble ${lookOf(message)}`}>
      {named && <Author chat={chat} user={message.user} />}
      {channel && post && !chat.state.post && <PostLine channel={channel} post={post} />}
      {body?.forwarded && <Origin from={body.forwarded} />}
      {body?.reply_to ? <Quote chat={chat} seq={body.reply_to} /> : null}
      {body?.attachments && <Attachments chat={chat} message={message} attachments={body.attachments} />}
      {cardOf(body) && <MessageCard chat={chat} message={message} />}
      <div class="text" dir={message.text || recalled ? "auto" : undefined}>
        {recalled ? <i>{t("chat.recalled")}</i> : !cardOf(body) && <Content chat={chat} message={message} />}
        <Meta chat={chat} message={message} />
      </div>
      {body?.buttons && <Buttons chat={chat} message={message} />}
      {seq > 0 && <Reactions chat={chat} message={message} />}
      {seq > 0 && !recalled && comments && <CommentsLine channel={chat.state.id} post={seq} />}
    </div>
  );
}

function Author({ chat, user }: { chat: Chat; user: string }) {
  const { kind } = userOf(user).value;
  return (
    <div class="author-line">
      <bdi class={`author line name-${colourOf(user)}`}>{chat.nameOf(user)}</bdi>
      <Kind kind={kind} />
    </div>
  );
}

/** Return the class of a bubble that is not a plain one. */
function lookOf({ body, text, recalled, reactions }: Message): string {
  if (recalled) return "recalled";
  const card = cardOf(body);
  if (card) return card.type === "sticker" ? "bare sticky" : "carded";
  const { attachments, reply_to } = body ?? {};
  if (!attachments) return !reply_to && !body?.forwarded && isEmojiOnly(text) ? "emoji" : "";
  const last = attachments.at(-1)!;
  if (text) return attachments.some(isVisual) ? "pictured" : "";
  if (isOfServer(last) && kindOf(last) === "sticker") return "bare sticky";
  const bare = !body?.forwarded && (isPicture(last) || isVisual(last)) && Object.keys(reactions).length === 0;
  return bare ? "bare" : isOfServer(last) ? "filed" : "";
}

/** Characters of a line of the widest bubble, and of one on a phone. */
const COLUMNS = { wide: 60, narrow: 38 };

function Content({ chat, message }: { chat: Chat; message: Message }) {
  const { text, seq, body } = message;
  const whole = useComputed(() => chat.unfolded.value.has(seq)).value;
  const shown = whole ? text : folded(text, innerWidth < 720 ? COLUMNS.narrow : COLUMNS.wide);
  return (
    <>
      <Text text={shown} mentions={body?.mentions ?? []} />
      {shown.length < text.length && (
        <>
          {"… "}
          <button type="button" class="unfold" onClick={() => chat.unfold(seq)}>
            {t("chat.show-all")}
          </button>
        </>
      )}
    </>
  );
}

function Meta({ chat, message }: { chat: Chat; message: Message }) {
  const { time, edited, pinned, recalled, user } = message;
  return (
    <span class="meta-place">
      <span class="meta" dir={document.dir === "rtl" ? "rtl" : "ltr"} title={dateAndTime(time)}>
        {pinned && (
          <span role="img" aria-label={t("chat.pinned")}>
            <Icon name="pin" />
          </span>
        )}
        {edited > 0 && !recalled && <span>{t("chat.edited")}</span>}
        <time>{timeOfDay(time)}</time>
        {user === me.value && !recalled && <Tick chat={chat} message={message} />}
      </span>
    </span>
  );
}

function labelOf(chat: Chat, { user, text, time, recalled, body }: Message): string {
  const name = user === me.value ? t("chat.you") : chat.nameOf(user);
  const said = recalled ? t("chat.recalled") : text.slice(0, 300) || wordsOf(body);
  return t("chat.message", { name, text: said, time: timeOfDay(time) });
}
