/** The button that opens the emoji; a screen keyboard has its own, so it is there for a mouse only. */
import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { t } from "../locale/locale.js";
import { Icon } from "../shell/icons.js";
import { lazy } from "../shell/lazy.js";

const EmojiPicker = lazy(async () => (await import("./emoji_picker.js")).EmojiPicker);

/** The distance between the button and the box. */
const GAP_PX = 8;

export function EmojiButton({ onPick }: { onPick: (emoji: string) => void }) {
  const button = useRef<HTMLButtonElement>(null);
  const box = useRef<HTMLDivElement>(null);
  const open = useSignal(false);
  const toggled = (event: Event) => {
    open.value = (event as ToggleEvent).newState === "open";
    if (!open.value) return;
    const at = button.current!.getBoundingClientRect();
    const { style, offsetWidth } = box.current!;
    style.left = `${Math.max(GAP_PX, Math.min(at.right - offsetWidth, innerWidth - offsetWidth - GAP_PX))}px`;
    style.bottom = `${innerHeight - at.top + GAP_PX}px`;
  };
  const pick = (emoji: string) => {
    box.current!.hidePopover();
    onPick(emoji);
  };
  return (
    <>
      <button
        ref={button}
        type="button"
        class="emoji-button"
        aria-label={t("chat.emoji")}
        title={t("chat.emoji")}
        aria-haspopup="dialog"
        aria-expanded={open.value}
        onClick={() => box.current!.togglePopover()}
      >
        <Icon name="smile" />
      </button>
      <div ref={box} class="menu emoji-box" popover="auto" role="dialog" aria-label={t("chat.emoji")} onToggle={toggled}>
        {open.value && <EmojiPicker onPick={pick} />}
      </div>
    </>
  );
}
