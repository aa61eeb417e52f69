/**
 * The one mechanism that moves a timeline without its reader.
 *
 * The browser's own anchoring is off (`overflow-anchor: none`), because two mechanisms fight. Instead the position of
 * the messages in view is known at every moment, measured from the start of the content, which no scrolling changes.
 * Whatever happens (a page put before, an edit, a picture, a resized window), the difference between the known and
 * the new position of the anchor is how far the view was moved by something else than its reader, and the same
 * distance is scrolled back in the same task, or in a ResizeObserver, so before anything is painted.
 *
 * A reader at the bottom follows it instead, unless a message is held: pressed, or with its menu open.
 */

/** Distance from the bottom, in CSS pixels, within which new messages are followed: about one message. */
export const FOLLOW_PX = 48;

const STILL = matchMedia("(prefers-reduced-motion: reduce)");

interface Anchor {
  readonly row: HTMLElement;
  readonly edge: Edge;
  readonly place: number;
}

/** Of the first message in view the end stays: its beginning may be out of view already. Of a held one the beginning. */
type Edge = "top" | "bottom";

export class KeepPlace {
  /** Whether the view follows the bottom. */
  following = true;
  /** The message that must not move: pressed, or with an open menu. */
  held: HTMLElement | undefined;
  #anchors: Anchor[] = [];
  #height = 0;
  #viewport = 0;
  /** The part of corrections that the browser rounded away. */
  #remainder = 0;
  readonly #observer: ResizeObserver;

  /**
   * Watch `scroller`, whose only child in the flow is `content`; its direct children with `data-seq` are messages.
   * `moved` is called after the view moved or its content changed size.
   */
  constructor(
    readonly scroller: HTMLElement,
    readonly content: HTMLElement,
    private readonly moved: () => void,
  ) {
    this.#observer = new ResizeObserver(() => this.#changed());
    this.#observer.observe(content);
    this.#observer.observe(scroller);
    scroller.addEventListener("scroll", this.#scrolled, { passive: true });
    this.#remember();
  }

  close(): void {
    this.#observer.disconnect();
    this.scroller.removeEventListener("scroll", this.#scrolled);
  }

  /** Make a change of the content, synchronously, without moving the messages in view. */
  keepPlace(change: () => void): void {
    this.#correct();
    this.#remember();
    change();
    this.#changed();
  }

  /** Go to the bottom, and follow it. */
  toEnd(smooth = false): void {
    this.following = true;
    this.#scroll(this.scroller.scrollHeight, smooth);
  }

  /** Put a row `offset` pixels below the top of the view. */
  toRow(row: HTMLElement, offset: number, smooth = false): void {
    const { scrollTop, scrollHeight, clientHeight } = this.scroller;
    const top = scrollTop + this.offset(row) - offset;
    // There may be no scrolling that says so.
    this.following = scrollHeight - clientHeight - top <= FOLLOW_PX;
    this.#scroll(top, smooth);
  }

  /** The pixels below the view. */
  get below(): number {
    return this.scroller.scrollHeight - this.scroller.scrollTop - this.scroller.clientHeight;
  }

  /** The rows whose end is in view, from the top to the bottom. */
  get inView(): HTMLElement[] {
    return this.#rowsInView().filter((row) => this.#isInView(row));
  }

  /** The row that has the focus, or something in it. */
  get focused(): HTMLElement | undefined {
    // The embedded client lives in a shadow root, which has a focus of its own.
    const { activeElement } = this.content.getRootNode() as Document | ShadowRoot;
    return this.content.contains(activeElement) ? (activeElement?.closest<HTMLElement>("[data-seq]") ?? undefined) : undefined;
  }

  /** The distance of a row from the top of the view. */
  offset(row: HTMLElement): number {
    return row.getBoundingClientRect().top - this.scroller.getBoundingClientRect().top;
  }

  readonly #scrolled = (): void => {
    // By the known sizes, too: content or a window that grew in this very frame was not scrolled away from.
    const known = this.#height - this.scroller.scrollTop - this.#viewport;
    this.following = Math.min(known, this.below) <= FOLLOW_PX;
    this.#changed();
  };

  #scroll(top: number, smooth: boolean): void {
    if (smooth && !STILL.matches) this.scroller.scrollTo({ top, behavior: "smooth" });
    else this.scroller.scrollTop = top;
    this.#remember();
  }

  #changed(): void {
    this.#correct();
    this.#remember();
    this.moved();
  }

  #correct(): void {
    const resized = this.scroller.scrollHeight !== this.#height || this.scroller.clientHeight !== this.#viewport;
    if (this.following && !this.held) {
      if (resized) this.scroller.scrollTop = this.scroller.scrollHeight;
      return;
    }
    const anchor = this.#anchors.find(({ row }) => row.isConnected);
    const shift = anchor ? this.#place(anchor.row, anchor.edge) - anchor.place : 0;
    if (shift === 0) return;
    const wanted = this.scroller.scrollTop + shift + this.#remainder;
    this.scroller.scrollTop = wanted;
    this.#remainder = Math.max(-1, Math.min(1, wanted - this.scroller.scrollTop));
  }

  /** Note where the messages in view are; the first is the one that will not move. */
  #remember(): void {
    this.#height = this.scroller.scrollHeight;
    this.#viewport = this.scroller.clientHeight;
    const rows = this.#rowsInView();
    const first = this.held ?? this.focused;
    this.#anchors = rows.map((row) => ({ row, edge: "bottom", place: this.#place(row, "bottom") }));
    if (first && (first === this.held || rows.includes(first))) {
      this.#anchors.unshift({ row: first, edge: "top", place: this.#place(first, "top") });
    }
  }

  #rowsInView(): HTMLElement[] {
    const rows = [...this.content.querySelectorAll<HTMLElement>(":scope > [data-seq]")];
    const { top, bottom } = this.scroller.getBoundingClientRect();
    let low = 0;
    let high = rows.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (rows[middle]!.getBoundingClientRect().bottom <= top) low = middle + 1;
      else high = middle;
    }
    const found = [];
    for (let at = low; at < rows.length; at++) {
      const row = rows[at]!;
      if (row.getBoundingClientRect().top >= bottom) break;
      found.push(row);
    }
    return found;
  }

  #isInView(row: HTMLElement): boolean {
    const end = this.offset(row) + row.offsetHeight;
    // Half a pixel: a row that ends exactly at the bottom of the view is seen.
    return end > 0 && end <= this.scroller.clientHeight + 0.5;
  }

  #place(row: HTMLElement, edge: Edge): number {
    return row.getBoundingClientRect()[edge] - this.content.getBoundingClientRect().top;
  }
}
