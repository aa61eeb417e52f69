/** The menu of a message: reactions, and what can be done with it. A native popover, so it lies above everything. */
import { useSignal } from "@preact/signals";
import type { Message } from "@chatd/client";
import { announce, may } from "@chatd/client/conversations";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { t } from "../locale/locale.js";
import { isVisual } from "../media/kinds.js";
import { notify } from "../shell/announcer.js";
import { askToDelete } from "../rooms/clear.js";
import { openReport } from "../report/report_action.js";
import { offers, pushOffer } from "../shell/contacts.js";
import { confirm, openDialog } from "../shell/dialog.js";
import { attempt } from "../shell/errors.js";
import { Icon } from "../shell/icons.js";
import { lazy } from "../shell/lazy.js";
import { MenuItems, stepThroughMenu, type MenuItem } from "../shell/menu.js";
import { me } from "../shell/state.js";
import type { Chat, MenuRequest } from "./chat.js";
import { userOf } from "../shell/users.js";
import { permissionsFor } from "./permissions.js";
import { summaryOf } from "./quote.js";
import { ReadBy } from "./read_by.js";

const EmojiPicker = lazy(async () => (await import("../composer/emoji_picker.js")).EmojiPicker);

/** The reactions at hand. */
const QUICK = ["👍", "❤️", "😂", "😮", "😢", "🙏"];
/** The least distance between the menu and the edge of the window. */
const EDGE_PX = 8;
/** How long it is remembered why a user was notified. */
const DAY = 86_400_000;

export function MessageMenu({ chat }: { chat: Chat }) {
  const request = chat.menu.value;
  return request && <Opened key={request.message.seq} chat={chat} request={request} />;
}

function Opened({ chat, request }: { chat: Chat; request: MenuRequest }) {
  const box = useRef<HTMLDivElement>(null);
  const picking = useSignal(false);
  useLayoutEffect(() => {
    box.current!.showPopover();
    box.current!.querySelector<HTMLElement>("button")?.focus({ preventScroll: true });
  }, []);
  useLayoutEffect(() => place(box.current!, request));
  useEffect(() => {
    const watch = new ResizeObserver(() => box.current && place(box.current, request));
    watch.observe(box.current!);
    return () => watch.disconnect();
  }, []);
  useEffect(() => closeOutside(chat, box.current!), [chat]);
  const react = (emoji: string) => (chat.closeMenu(), chat.react(request.message, emoji));
  return (
    <div
      ref={box}
      class={picking.value ? "menu message-menu picking" : "menu message-menu"}
      popover="manual"
      role={picking.value ? "dialog" : "menu"}
      aria-label={t(picking.value ? "chat.react" : "chat.actions")}
      onKeyDown={(event) => onKey(event, chat)}
    >
      {picking.value ? (
        <EmojiPicker onPick={react} />
      ) : (
        <>
          {permissionsFor(request.message, chat.state.summary.value, me.value, Date.now()).react && <Quick request={request} react={react} more={() => (picking.value = true)} />}
          <Items chat={chat} request={request} />
        </>
      )}
    </div>
  );
}

function Quick({ request, react, more }: { request: MenuRequest; react: (emoji: string) => void; more: () => void }) {
  return (
    <div class="quick" role="group" aria-label={t("chat.react")}>
      {QUICK.map((emoji) => (
        <button
          key={emoji}
          type="button"
          role="menuitemcheckbox"
          tabIndex={-1}
          aria-checked={request.message.mine.includes(emoji)}
          aria-label={emoji}
          onClick={() => react(emoji)}
        >
          {emoji}
        </button>
      ))}
      <button type="button" role="menuitem" tabIndex={-1} aria-label={t("chat.more-emoji")} onClick={more}>
        <Icon name="plus" />
      </button>
    </div>
  );
}

function Items({ chat, request }: { chat: Chat; request: MenuRequest }) {
  const { message } = request;
  return (
    <>
      <MenuItems items={itemsOf(chat, request)} beforeSelect={() => chat.closeMenu()} />
      {showsReaders(chat, message) && <ReadBy chat={chat} seq={message.seq} />}
    </>
  );
}

function itemsOf(chat: Chat, { message }: MenuRequest): MenuItem[] {
  const { room } = chat.state;
  const allows = permissionsFor(message, chat.state.summary.value, me.value, Date.now());
  const items: (MenuItem | false | undefined)[] = [
    allows.reply && { icon: "reply", label: t("chat.reply"), onSelect: () => chat.reply(message) },
    // An insecure page has no clipboard.
    message.text !== "" && "clipboard" in navigator && {
      icon: "copy",
      label: t("chat.copy"),
      onSelect: () => void copy(message.text),
    },
    allows.forward && { icon: "share", label: t("forward.action"), onSelect: () => openForward(chat, [message.seq]) },
    allows.forward && { icon: "check", label: t("forward.select"), onSelect: () => chat.select([message.seq]) },
    allows.edit && { icon: "edit", label: t("chat.edit"), onSelect: () => chat.composer.edit(message) },
    allows.edit && message.body?.attachments?.some(isVisual) && {
      icon: "eye",
      label: t("media.describe.title"),
      onSelect: () => void openDialog(async () => (await import("../media/describe_dialog.js")).DescribeMessage, { chat, message }),
    },
    allows.pin && {
      icon: "pin",
      label: t(message.pinned ? "chat.unpin" : "chat.pin"),
      onSelect: () => void attempt(() => room.pin(message.seq, !message.pinned)),
    },
    announces(chat, message) && {
      icon: "megaphone",
      label: t(message.seq === chat.state.summary.peek().announcement ? "announcement.remove" : "announcement.set"),
      onSelect: () => void attempt(() => announce(room, message.seq === chat.state.summary.peek().announcement ? 0 : message.seq)),
    },
    pushOffer.value && message.user !== me.value && message.user !== "" && Date.now() - message.time < DAY && {
      icon: "bell",
      label: t("why.action"),
      onSelect: () => why(chat, message),
    },
    message.user !== me.value && message.user !== "" && !message.recalled && offers("reports") && {
      icon: "flag",
      label: t("report.message"),
      danger: true,
      onSelect: () => report(chat, message),
    },
    message.seq <= room.readTo && {
      icon: "eye-off",
      label: t("delete.action"),
      onSelect: () => askToDelete(chat.state, message.seq),
    },
    allows.recall && {
      icon: "trash",
      label: t("chat.recall"),
      danger: true,
      onSelect: () => askToRecall(chat, message.seq),
    },
  ];
  return items.filter((item) => !!item);
}

/** Whether it is told who has read a message: an own one, and the announcement of the group. */
function showsReaders(chat: Chat, { user, seq, recalled }: Message): boolean {
  const { peer, announcement, kind } = chat.state.summary.value;
  return !peer && kind !== "channel" && !recalled && (user === me.value || seq === announcement);
}

/** Ask where messages are copied to. */
export function openForward(chat: Chat, seqs: readonly number[]): void {
  void openDialog(async () => (await import("./forward_dialog.js")).ForwardDialog, { chat, seqs });
}

/** Whether the user may show a message above all others. */
function announces(chat: Chat, { recalled }: Message): boolean {
  const summary = chat.state.summary.peek();
  return !summary.peer && !recalled && may(summary, "info");
}

function report(chat: Chat, message: Message): void {
  const { user, seq } = message;
  const subject = { room: chat.state.id, seq };
  void openReport({ subject, name: userOf(user).peek().name, user, quote: summaryOf(message) });
}

function why(chat: Chat, message: Message): void {
  const asked = { room: chat.state.id, seq: message.seq, quote: summaryOf(message) };
  void openDialog(async () => (await import("../push/why_dialog.js")).WhyMessage, asked);
}

async function copy(text: string): Promise<void> {
  await navigator.clipboard.writeText(text);
  notify(t("chat.copied"));
}

function askToRecall(chat: Chat, seq: number): void {
  const onConfirm = () => void attempt(() => chat.state.room.recall(seq));
  confirm({ title: t("chat.recall.title"), text: t("chat.recall.text"), action: t("chat.recall"), onConfirm });
}

/** Put the menu at the place it was asked for, inside the window. */
function place(box: HTMLElement, { x, y }: MenuRequest): void {
  const { offsetWidth: width, offsetHeight: height } = box;
  const below = y + height + EDGE_PX <= innerHeight;
  box.style.left = `${Math.max(EDGE_PX, Math.min(x, innerWidth - width - EDGE_PX))}px`;
  box.style.top = `${below ? y : Math.max(EDGE_PX, Math.min(y - height, innerHeight - height - EDGE_PX))}px`;
}

/** Close the menu at a press beside it. An automatic popover would be closed by the end of the press that opened it. */
function closeOutside(chat: Chat, box: HTMLElement): () => void {
  const press = (event: Event): void => {
    if (!event.composedPath().includes(box)) chat.closeMenu();
  };
  addEventListener("pointerdown", press, true);
  addEventListener("blur", press);
  return () => {
    removeEventListener("pointerdown", press, true);
    removeEventListener("blur", press);
  };
}

/** The arrows move through the items; Esc and Tab leave. */
function onKey(event: KeyboardEvent, chat: Chat): void {
  if (event.key === "Escape" || event.key === "Tab") {
    event.preventDefault();
    event.stopPropagation();
    chat.closeMenu();
    return;
  }
  stepThroughMenu(event);
}
