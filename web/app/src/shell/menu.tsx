/** A menu at a button: a native popover, which closes on Esc and on a press beside it. */
import { useComputed, useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { Icon, type IconName } from "./icons.js";

export interface MenuItem {
  icon: IconName;
  label: string;
  danger?: boolean;
  /** Of items of which one is chosen: whether it is this one. */
  checked?: boolean;
  onSelect: () => void;
}

/** The least distance between the menu and the edge of the window. */
const EDGE = 8;

interface MenuProps {
  label: string;
  icon?: IconName;
  items: readonly MenuItem[];
}

export function Menu({ label, icon = "more", items }: MenuProps) {
  const button = useRef<HTMLButtonElement>(null);
  const list = useRef<HTMLDivElement>(null);
  const open = useSignal(false);
  const place = () => {
    const [at, box] = [button.current!.getBoundingClientRect(), list.current!];
    // Towards the middle of the window.
    const wish = at.left + at.right < innerWidth ? at.left : at.right - box.offsetWidth;
    box.style.left = `${Math.max(EDGE, Math.min(wish, innerWidth - box.offsetWidth - EDGE))}px`;
    const below = at.bottom + box.offsetHeight + EDGE <= innerHeight;
    box.style.top = `${below ? at.bottom : Math.max(EDGE, at.top - box.offsetHeight)}px`;
  };
  // The items are drawn between the two events: a list of members has many menus, and at most one is open.
  const beforeToggle = (event: Event) => (open.value = (event as ToggleEvent).newState === "open");
  const toggled = () => {
    if (!open.value) return;
    place();
    const buttons = list.current!.querySelectorAll<HTMLElement>("button");
    ([...buttons].find(({ ariaChecked }) => ariaChecked === "true") ?? buttons[0])?.focus();
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
        <Icon name={icon} />
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
          role={item.checked === undefined ? "menuitem" : "menuitemradio"}
          aria-checked={item.checked}
          tabIndex={-1}
          class={item.danger ? "setting danger" : "setting"}
          onClick={() => (beforeSelect(), item.onSelect())}
        >
          <Icon name={item.icon} />
          <span class="setting-text">{item.label}</span>
          {item.checked && <Icon name="check" />}
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
