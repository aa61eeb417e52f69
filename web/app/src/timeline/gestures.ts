/** What a pointer and the keys do with a message: its actions under the pointer, its menu, and an answer by a swipe. */
import type { Message } from "@chatd/client";
import type { Chat } from "./chat.js";

/** Milliseconds of a press until the menu opens: that of the phones. */
const LONG_PRESS_MS = 450;
/** Pixels a finger may move in a press. */
const PRESS_PX = 10;
/** Pixels of a swipe towards the end of the line that answer. */
const SWIPE_PX = 56;

type RowElement = HTMLElement;

/** Return the listeners of the row of a message; `id` is its key. */
export function rowEvents(chat: Chat, message: Message, id: string) {
  const show = (row: RowElement, x: number, y: number, byKey = false): void => {
    if (message.seq) chat.openMenu(message, row, x, y, byKey);
  };
  return {
    onPointerEnter: (event: PointerEvent) => {
      if (event.pointerType === "mouse" && !event.buttons) chat.active.value = id;
    },
    onPointerLeave: (event: PointerEvent) => {
      const row = event.currentTarget as RowElement;
      if (chat.active.peek() === id && !row.contains(focusOf(row))) chat.active.value = "";
    },
    onFocusIn: () => (chat.active.value = id),
    onPointerDown: (event: PointerEvent) => press(chat, message, event, show),
    onContextMenu: (event: MouseEvent) => {
      const target = event.target as Element;
      const selected = getSelection();
      if (target.closest("a:not(.shared-box)") || (selected && !selected.isCollapsed && selected.containsNode(target, true))) return;
      event.preventDefault();
      show(event.currentTarget as RowElement, event.clientX, event.clientY);
    },
    onKeyDown: (event: KeyboardEvent) => {
      const row = event.currentTarget as RowElement;
      if (event.target !== row || (event.key !== "Enter" && event.key !== " ")) return;
      event.preventDefault();
      const { left, bottom } = (row.querySelector(".bubble") ?? row).getBoundingClientRect();
      show(row, left, bottom, true);
    },
  };
}

function focusOf(row: RowElement): Element | null {
  return (row.getRootNode() as Document | ShadowRoot).activeElement;
}

/** Follow a press: the message stays where it is; a long one opens the menu, a swipe of a finger answers. */
function press(chat: Chat, message: Message, down: PointerEvent, show: (row: RowElement, x: number, y: number) => void): void {
  const row = down.currentTarget as RowElement;
  const bubble = row.querySelector<HTMLElement>(".bubble-line")!;
  const touch = down.pointerType === "touch";
  const forward = getComputedStyle(row).direction === "rtl" ? -1 : 1;
  let swiped = 0;
  chat.hold(row);
  const timer = setTimeout(() => {
    if (touch && !swiped) show(row, down.clientX, down.clientY);
  }, LONG_PRESS_MS);
  const move = (event: PointerEvent): void => {
    const [x, y] = [(event.clientX - down.clientX) * forward, event.clientY - down.clientY];
    if (Math.hypot(x, y) > PRESS_PX) clearTimeout(timer);
    if (!touch || !message.seq || !chat.mayReply(message) || x < PRESS_PX || Math.abs(y) > x) return;
    swiped = Math.min(x - PRESS_PX, SWIPE_PX + 16);
    bubble.style.translate = `${swiped * forward}px`;
    row.classList.toggle("answering", swiped >= SWIPE_PX);
  };
  const end = (event: Event): void => {
    clearTimeout(timer);
    for (const kind of ["pointerup", "pointercancel"]) removeEventListener(kind, end);
    removeEventListener("pointermove", move);
    if (!chat.menu.peek()) chat.hold();
    bubble.style.translate = "";
    row.classList.remove("answering");
    if (event.type === "pointerup" && swiped >= SWIPE_PX) chat.reply(message);
  };
  addEventListener("pointermove", move);
  for (const kind of ["pointerup", "pointercancel"]) addEventListener(kind, end);
}
