/** How far an own message got: a clock, ✓ stored, ✓✓ delivered, ✓✓ in the accent read; "!" failed. */
import { useComputed } from "@preact/signals";
import type { Message, Room } from "@chatd/client";
import { t } from "../locale/locale.js";
import type { Chat } from "./chat.js";
import { isChanging } from "./overlay.js";

type State = "waiting" | "sent" | "delivered" | "read" | "failed";

export function Tick({ chat, message }: { chat: Chat; message: Message }) {
  const { seq, key } = message;
  const state = useComputed((): State => {
    if (!seq) return chat.model.entry(key)?.state === "failed" ? "failed" : "waiting";
    if (isChanging(seq, chat.model.waiting.value)) return "waiting";
    chat.state.receipts.value;
    return reached(chat.state.room, seq);
  }).value;
  return (
    <span class={`tick ${state}`} role="img" aria-label={t(`tick.${state}`)}>
      <svg viewBox="0 0 18 12" aria-hidden="true">
        <path d={PATHS[state]} />
      </svg>
    </span>
  );
}

const PATHS: Readonly<Record<State, string>> = {
  waiting: "M12 11a5 5 0 1 0 0-10 5 5 0 0 0 0 10ZM12 3.4V6l1.8 1.2",
  sent: "m6 6.5 3.5 3.5L16 2.5",
  delivered: "m1.5 6.5 3.5 3.5 6.5-7.5M8.5 9l1 1L16 2.5",
  read: "m1.5 6.5 3.5 3.5 6.5-7.5M8.5 9l1 1L16 2.5",
  failed: "M12 1.5v5.5M12 10v.1",
};

/** Return how far a message got: read or received by anybody who could see it. */
function reached(room: Room, seq: number): State {
  let delivered = false;
  for (const { read, delivered: to, first_visible } of room.receipts.values()) {
    if (seq < first_visible) continue;
    if (seq <= read) return "read";
    delivered ||= seq <= to;
  }
  return delivered ? "delivered" : "sent";
}
