/** A menu at a button: a native popover, which closes on Esc and on a press beside it. */
import { useComputed, useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { Icon, type IconName } from "./icons.js";

export interface MenuItem {
  icon: IconName;
  label: string;
  danger?: boolean;
  onSelect: () => void;
}

/** The least distance between the menu and the edge of the window. */
const EDGE = 8;

export function Menu({ label, items }: { label: string; items: readonly MenuItem[] }) {
  const button = useRef<HTMLButtonElement>(null);
  const list = useRef<HTMLDivElement>(null);
  const open = useSignal(false);
  const place = () => {
    const [at, box] = [button.current!.getBoundingClientRect(), list.current!];
    const rtl = getComputedStyle(box).direction === "rtl";
    const wish = rtl ? at.left : at.right - box.offsetWidth;
    box.style.left = `${Math.max(EDGE, Math.min(wish, innerWidth - box.offsetWidth - EDGE))}px`;
    const below = at.bottom + box.offsetHeight + EDGE <= innerHeight;
    box.style.top = `${below ? at.bottom : Math.max(EDGE, at.top - box.offsetHeight)}px`;
  };
  // The items are drawn between the two events: a list of members has many menus, and at most one is open.
  const beforeToggle = (event: Event) => (open.value = (event as ToggleEvent).newState === "open");
  const toggled = () => {
    if (!open.value) return;
    place();
    list.current!.querySelector<HTMLElement>("button")?.focus();
  };
  const close = () => (list.current!.hidePopover(), button.current!.focus());
  return (
    <>
      <button
        ref={button}
        type="button"
        class="icon-button"
        aria-label={label}
        aria-haspopup="menu"
        aria-expanded={useComputed(() => open.value)}
        onClick={() => list.current!.togglePopover()}
      >
        <Icon name="more" />
      </button>
      <div
        ref={list}
        class="menu"
        role="menu"
        aria-label={label}
        popover="auto"
        onBeforeToggle={beforeToggle}
        onToggle={toggled}
        onKeyDown={onKey}
      >
        {open.value && <MenuItems items={items} beforeSelect={close} />}
      </div>
    </>
  );
}

/** The items of a menu; `beforeSelect` closes it. */
export function MenuItems({ items, beforeSelect }: { items: readonly MenuItem[]; beforeSelect: () => void }) {
  return (
    <>
      {items.map((item) => (
        <button
          key={item.label}
          type="button"
          role="menuitem"
          tabIndex={-1}
          class={item.danger ? "setting danger" : "setting"}
          onClick={() => (beforeSelect(), item.onSelect())}
        >
          <Icon name={item.icon} />
          <span class="setting-text">{item.label}</span>
        </button>
      ))}
    </>
  );
}

/** Move the focus through the buttons of a menu with the arrows. */
export function stepThroughMenu(event: KeyboardEvent): void {
  const by = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
  if (!by) return;
  event.preventDefault();
  event.stopPropagation();
  const items = [...(event.currentTarget as HTMLElement).querySelectorAll<HTMLElement>("button")];
  const at = items.indexOf(event.target as HTMLElement);
  items[(at + by + items.length) % items.length]?.focus();
}

function onKey(event: KeyboardEvent): void {
  // The browser closes the menu; the chat behind it stays.
  if (event.key === "Escape") event.stopPropagation();
  stepThroughMenu(event);
}
