/** The keys of the whole window: Ctrl+K goes to a chat, Alt+↑ and Alt+↓ to the next one, Esc back. */
import { focusSearch } from "../rooms/search.js";
import { go, openRoom, route, up } from "./router.js";
import { roomList } from "./state.js";

/** Listen to the keys of a window, or of the embedded element. */
export function startKeyboard(target: EventTarget): void {
  target.addEventListener("keydown", (event) => onKey(event as KeyboardEvent));
}

function onKey(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.isComposing) return;
  if ((event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === "k") {
    event.preventDefault();
    focusSearch();
  } else if (event.altKey && (event.key === "ArrowUp" || event.key === "ArrowDown")) {
    event.preventDefault();
    step(event.key === "ArrowDown" ? 1 : -1);
  } else if (event.key === "Escape" && route.peek().name !== "chats" && !hasPopover(event.target as Node)) up();
}

/** Whether the browser closes what is open above the page, which may be in a shadow root. */
const hasPopover = (target: Node) => !!(target.getRootNode() as ParentNode).querySelector(":popover-open");

/** Open the chat after, or before, the one that is open. */
function step(by: number): void {
  const rooms = roomList.peek();
  const at = rooms.findIndex((room) => room.id === openRoom.peek());
  const next = rooms[at < 0 ? (by > 0 ? 0 : rooms.length - 1) : at + by];
  if (next) go({ name: "chat", room: next.id, about: false });
}
