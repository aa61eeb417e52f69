/** The button that records: hold it and speak, or press it and speak with free hands. */
import { useRef } from "preact/hooks";
import { t } from "../locale/locale.js";
import { notify } from "../shell/announcer.js";
import type { Chat } from "../timeline/chat.js";
import { MediaIcon } from "./icons.js";
import { recordings } from "./recordings.js";
import type { Recording } from "./recording.js";

/** Milliseconds below which a press is one, and no hold. */
const TAP_MS = 350;
/** Pixels of a slide towards the start of the line that drops, and of one upwards that locks. */
const DROP_PX = 110;
const LOCK_PX = 70;

export function MicButton({ chat }: { chat: Chat }) {
  const pressed = useRef(false);
  const begin = async (): Promise<Recording | undefined> => {
    if (recordings.peek().has(chat.state.id)) return undefined;
    try {
      const { Recording } = await import("./recording.js");
      const made = new Recording(chat.state, (recorded) => chat.composer.sendVoice(recorded));
      recordings.value = new Map(recordings.peek()).set(chat.state.id, made);
      void made.begin(() => pressed.current);
      return made;
    } catch {
      notify(t("error.part"));
      return undefined;
    }
  };
  const onPointerDown = (event: PointerEvent) => {
    if (event.button !== 0) return;
    event.preventDefault();
    pressed.current = true;
    follow(event, begin(), () => (pressed.current = false));
  };
  return (
    <button
      type="button"
      class="send mic"
      aria-label={t("media.record")}
      title={t("media.record.title")}
      onPointerDown={onPointerDown}
      // A key presses without a pointer.
      onClick={(event) => event.detail === 0 && void begin()}
      onContextMenu={(event) => event.preventDefault()}
    >
      <MediaIcon name="mic" />
    </button>
  );
}

/** Follow the finger until it is lifted. */
function follow(down: PointerEvent, begun: Promise<Recording | undefined>, lifted: () => void): void {
  const at = performance.now();
  const backward = getComputedStyle(down.currentTarget as Element).direction === "rtl" ? -1 : 1;
  const ends = new AbortController();
  const { signal } = ends;
  let recording: Recording | undefined;
  void begun.then((made) => (recording = made));
  const move = (event: PointerEvent): void => {
    if (recording?.state.peek() !== "held") return;
    const slid = Math.max(0, (down.clientX - event.clientX) * backward);
    recording.slid.value = slid;
    if (slid > DROP_PX) recording.cancel();
    else if (down.clientY - event.clientY > LOCK_PX) recording.lock();
  };
  const end = (event: Event): void => {
    ends.abort();
    lifted();
    const isTap = performance.now() - at < TAP_MS;
    void begun.then((made) => {
      if (made?.state.peek() !== "held") return;
      if (isTap || event.type === "pointercancel") made.lock();
      else void made.finish();
    });
  };
  addEventListener("pointermove", move, { signal });
  for (const kind of ["pointerup", "pointercancel"]) addEventListener(kind, end, { signal });
}
