/** The menu of a chat in the list, and what its count counts: opened by a right click, the menu key, or a long press of a finger. */
import "../style/pages.js";
import { useLayoutEffect, useRef } from "preact/hooks";
import { ARCHIVE, markUnread, moveTo } from "@chatd/client/conversations";
import { t } from "../locale/locale.js";
import { closeDialog, openDialog } from "../shell/dialog.js";
import { attempt } from "../shell/errors.js";
import { MenuItems, stepThroughMenu, type MenuItem } from "../shell/menu.js";
import { isMuted, roomOf, type RoomState } from "../shell/state.js";
import { openUnread } from "../unread/open.js";
import { askToClear } from "./clear.js";
import { titleOf } from "./names.js";

/** Milliseconds of a press of a finger, and pixels that it may move. */
const LONG_PRESS_MS = 450;
const PRESS_PX = 10;
/** The least distance between the menu and the edge of the window. */
const EDGE = 8;

interface RowMenuProps {
  room: RoomState;
  x: number;
  y: number;
}

function RowMenu({ room, x, y }: RowMenuProps) {
  const box = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const menu = box.current!;
    const before = (menu.getRootNode() as Document | ShadowRoot).activeElement as HTMLElement | null;
    menu.showPopover();
    const below = y + menu.offsetHeight + EDGE <= innerHeight;
    menu.style.left = `${Math.max(EDGE, Math.min(x, innerWidth - menu.offsetWidth - EDGE))}px`;
    menu.style.top = `${below ? y : Math.max(EDGE, y - menu.offsetHeight)}px`;
    menu.querySelector<HTMLElement>("button")?.focus();
    return () => before?.focus();
  }, []);
  const toggled = (event: Event) => (event as ToggleEvent).newState === "closed" && closeDialog();
  const onKey = (event: KeyboardEvent) => {
    // The browser closes the menu; the chat behind it stays.
    if (event.key === "Escape") event.stopPropagation();
    stepThroughMenu(event);
  };
  return (
    <aside aria-label={titleOf(room)}>
      <div ref={box} class="menu" role="menu" popover="auto" aria-label={t("row.menu")} onToggle={toggled} onKeyDown={onKey}>
        <MenuItems items={itemsOf(room)} beforeSelect={closeDialog} />
      </div>
    </aside>
  );
}

function itemsOf(room: RoomState): MenuItem[] {
  const { pinned, hidden, folder, unread_mark, muted_until, request } = room.summary.peek();
  if (request) return [];
  const unread = room.unread.peek() > 0 || unread_mark;
  const set = (wish: Parameters<typeof room.room.preferences>[0]) => () => void attempt(() => room.room.preferences(wish));
  const muted = isMuted({ muted_until });
  const read = async () => {
    if (unread_mark) await markUnread(room.room, false);
    room.room.read(room.room.head);
  };
  return [
    ...(unread ? [{ icon: "info" as const, label: t("unread.show"), onSelect: () => openUnread(room.id) }] : []),
    unread
      ? { icon: "checks", label: t("row.read"), onSelect: () => void attempt(read) }
      : { icon: "mark", label: t("row.mark"), onSelect: () => void attempt(() => markUnread(room.room, true)) },
    { icon: "pin", label: t(pinned ? "row.unpin" : "room.pin"), onSelect: set({ pinned: !pinned }) },
    muted
      ? { icon: "bell", label: t("row.unmute"), onSelect: set({ muted_until: 0 }) }
      : { icon: "bell-off", label: t("row.mute"), onSelect: set({ muted_until: 1 }) },
    folder === ARCHIVE
      ? { icon: "archive", label: t("row.unarchive"), onSelect: () => void attempt(() => moveTo(room.room, 0)) }
      : { icon: "archive", label: t("row.archive"), onSelect: () => void attempt(() => moveTo(room.room, ARCHIVE)) },
    {
      icon: "folder",
      label: t("folders.choose"),
      onSelect: () => void openDialog(async () => (await import("./folders_dialog.js")).ChooseFolder, { room }),
    },
    { icon: "eye-off", label: t(hidden ? "row.show" : "row.hide"), onSelect: set({ hidden: !hidden }) },
    { icon: "trash", label: t("clear.action"), danger: true, onSelect: () => askToClear(room) },
  ];
}

/** The chat whose row an event is on, if it is on one. */
function roomAt(event: Event): RoomState | null {
  const row = event.composedPath().find((one) => one instanceof HTMLAnchorElement && one.matches(".list .chat-row"));
  const id = (row as HTMLAnchorElement | undefined)?.getAttribute("href")?.match(/^#\/r\/([^/]+)$/)?.[1];
  return id ? roomOf(decodeURIComponent(id)) : null;
}

function open(room: RoomState, x: number, y: number): void {
  if (!room.summary.peek().request) void openDialog(async () => RowMenu, { room, x, y });
}

/** What an event opens: of a count what it counts, on the tab of the chats, too; of a row else its menu. */
function openerAt(event: Event): ((x: number, y: number) => void) | null {
  const isOn = (selector: string) => event.composedPath().some((one) => one instanceof Element && one.matches(selector));
  if (isOn('.tabs .tab[href="#/"]')) return () => openUnread();
  const room = roomAt(event);
  if (room && isOn(".chat-row .badge")) return () => openUnread(room.id);
  return room && ((x, y) => open(room, x, y));
}

/** Open the menu where the page asks for one; on an iPhone, where no page does, after a long press. */
function follow(): void {
  let timer = 0;
  let pressed = false;
  const end = () => clearTimeout(timer);
  document.addEventListener("contextmenu", (event) => {
    const opens = openerAt(event);
    if (!opens) return;
    event.preventDefault();
    end();
    const { left, bottom } = (event.composedPath()[0] as Element).getBoundingClientRect();
    // The menu key has no place.
    const byKey = event.clientX === 0 && event.clientY === 0;
    opens(byKey ? left : event.clientX, byKey ? bottom : event.clientY);
  });
  document.addEventListener("pointerdown", (down) => {
    const opens = down.pointerType === "touch" ? openerAt(down) : null;
    end();
    pressed = false;
    if (!opens) return;
    timer = Number(setTimeout(() => ((pressed = true), opens(down.clientX, down.clientY)), LONG_PRESS_MS));
    const move = (event: PointerEvent) => Math.hypot(event.clientX - down.clientX, event.clientY - down.clientY) > PRESS_PX && end();
    document.addEventListener("pointermove", move);
    const up = () => (end(), document.removeEventListener("pointermove", move));
    for (const kind of ["pointerup", "pointercancel"]) document.addEventListener(kind, up, { once: true });
  });
  // The end of a long press is no click.
  document.addEventListener("click", (event) => pressed && openerAt(event) && ((pressed = false), event.preventDefault()), true);
}

follow();
