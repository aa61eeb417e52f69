/** A list of rows of one height, of which only those near the window are in the document. */
import { useComputed, useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";

/** Rows drawn beyond each edge, so that a quick scroll shows no hole. */
const MORE = 6;
/** Height of a row in rem: 72 px, and more where the reader's text is larger. */
const ROW_REM = 4.5;

export interface VirtualListProps<T> {
  label: string;
  items: readonly T[];
  keyOf: (item: T) => string;
  row: (item: T) => ComponentChildren;
  /** Called with the items that can be seen, whenever they change. */
  onSeen?: (items: readonly T[]) => void;
  /** Called when the last rows are near, to fetch more. */
  onEnd?: () => void;
  /** What stands above the rows and scrolls with them. */
  children?: ComponentChildren;
}

/** The list; ↑, ↓, Home and End move the focus between rows, each of which has one link or button of its own. */
export function VirtualList<T>({ label, items, keyOf, row, onSeen, onEnd, children }: VirtualListProps<T>) {
  const frame = useRef<HTMLDivElement>(null);
  const list = useRef<HTMLUListElement>(null);
  const top = useSignal(0);
  const height = useSignal(0);
  const focused = useSignal(-1);
  const size = rowHeight();
  const first = useComputed(() => Math.max(0, Math.floor(top.value / size) - MORE)).value;
  const last = useComputed(() => Math.ceil((top.value + height.value) / size) + MORE).value;
  const shown = items.slice(first, last);

  useLayoutEffect(() => {
    const box = frame.current!;
    const measure = () => {
      top.value = box.scrollTop - (list.current?.offsetTop ?? 0);
      height.value = box.clientHeight;
    };
    const observer = new ResizeObserver(measure);
    observer.observe(box);
    box.addEventListener("scroll", measure, { passive: true });
    measure();
    return () => (observer.disconnect(), box.removeEventListener("scroll", measure));
  }, []);
  useEffect(() => onSeen?.(shown), [first, last, items]);
  useEffect(() => void (last >= items.length && onEnd?.()), [last, items]);

  const move = (event: KeyboardEvent) => {
    const at = Number((event.target as HTMLElement).closest("li")?.dataset.index ?? focused.value);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 }[event.key];
    if (to === undefined || to < 0 || to >= items.length || event.altKey) return;
    event.preventDefault();
    focusRow(frame.current!, list.current!, to, size);
  };
  return (
    <div class="scroller" ref={frame} onKeyDown={move}>
      {children}
      <ul class="rows" ref={list} aria-label={label} style={{ blockSize: `${items.length * size}px` }}>
        {shown.map((item, offset) => (
          <li
            key={keyOf(item)}
            class="row"
            data-index={first + offset}
            aria-setsize={items.length}
            aria-posinset={first + offset + 1}
            style={{ blockSize: `${size}px`, transform: `translateY(${(first + offset) * size}px)` }}
          >
            {row(item)}
          </li>
        ))}
      </ul>
    </div>
  );
}

/** Move the focus to the first row of the list inside `root`; false if it has none. */
export function focusFirstRow(root: ParentNode): boolean {
  const link = root.querySelector<HTMLElement>(".rows .row a, .rows .row button");
  link?.focus();
  return link !== null;
}

/** Bring the row of an index into view and focus it, once it is drawn. */
function focusRow(frame: HTMLElement, list: HTMLElement, index: number, size: number): void {
  const start = list.offsetTop + index * size;
  if (start < frame.scrollTop) frame.scrollTop = start;
  if (start + size > frame.scrollTop + frame.clientHeight) frame.scrollTop = start + size - frame.clientHeight;
  requestAnimationFrame(() => list.querySelector<HTMLElement>(`[data-index="${index}"] :is(a, button)`)?.focus());
}

function rowHeight(): number {
  return Math.round(parseFloat(getComputedStyle(document.documentElement).fontSize) * ROW_REM);
}
