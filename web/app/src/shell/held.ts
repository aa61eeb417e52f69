/** A button that is held: a long press of a finger, a right click, or the menu key. */
import { useRef } from "preact/hooks";

/** Milliseconds of a press of a finger. Before that it would be a tap, too, which closes what was opened. */
const HOLD_MS = 550;

/** Return the listeners of a button that does something else when it is held. */
export function useHeld(open: () => void) {
  const timer = useRef(0);
  const held = useRef(false);
  const end = () => (clearTimeout(timer.current), (timer.current = 0));
  const opens = () => (end(), (held.current = true), open());
  return {
    onPointerDown: ({ pointerType }: PointerEvent) => {
      end();
      held.current = false;
      if (pointerType === "touch") timer.current = Number(setTimeout(opens, HOLD_MS));
    },
    onPointerUp: end,
    onPointerCancel: end,
    onContextMenu: (event: Event) => {
      event.preventDefault();
      if (timer.current) opens();
      else if (!held.current) open();
    },
    // The end of a long press is no click.
    onClick: (event: Event) => {
      if (held.current) event.preventDefault();
      held.current = false;
    },
  };
}
