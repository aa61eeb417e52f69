/** What pointer, wheel and keys do with a large picture: closer, aside, on to the next, and away. */

const MOST = 8;
/** The scale of a double press. */
const CLOSE = 2.5;
/** Pixels of a swipe that goes on, or closes; and those that a press may move. */
const SWIPE_PX = 70;
const PRESS_PX = 8;
/** Milliseconds between the presses of a double one. */
const DOUBLE_MS = 280;

export interface ZoomEvents {
  /** Go to the next (1) or the one before (-1), as one looks at it; false if there is none. */
  step(by: number): boolean;
  tap(): void;
  close(): void;
}

interface Point {
  readonly x: number;
  readonly y: number;
}

export class Zoom {
  #scale = 1;
  #x = 0;
  #y = 0;
  #pointers = new Map<number, Point>();
  #began: { readonly at: Point; readonly x: number; readonly y: number; readonly scale: number; readonly gap: number } | undefined;
  #moved = false;
  #tapped = 0;
  #timer = 0;
  readonly #frame: HTMLElement;
  readonly #ends = new AbortController();

  constructor(private readonly stage: HTMLElement, private readonly events: ZoomEvents, private readonly canZoom: boolean) {
    this.#frame = stage.querySelector<HTMLElement>(".viewer-frame")!;
    const { signal } = this.#ends;
    const on = <K extends keyof HTMLElementEventMap>(kind: K, listener: (event: HTMLElementEventMap[K]) => void) =>
      stage.addEventListener(kind, listener, { signal, passive: false });
    on("pointerdown", (event) => this.#down(event));
    on("pointermove", (event) => this.#move(event));
    on("pointerup", (event) => this.#up(event));
    on("pointercancel", (event) => this.#up(event));
    on("wheel", (event) => this.#wheel(event));
    stage.closest("dialog")!.addEventListener("keydown", (event) => this.#key(event), { signal });
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#ends.abort();
  }

  #down(event: PointerEvent): void {
    if ((event.target as Element).closest("video, button")) return;
    this.#pointers.set(event.pointerId, event);
    this.stage.setPointerCapture(event.pointerId);
    if (this.#pointers.size === 1) this.#moved = false;
    this.#begin();
  }

  #begin(): void {
    const { at, gap } = this.#middle();
    this.#began = { at, x: this.#x, y: this.#y, scale: this.#scale, gap };
  }

  #move(event: PointerEvent): void {
    if (!this.#pointers.has(event.pointerId) || !this.#began) return;
    this.#pointers.set(event.pointerId, event);
    const { at, gap } = this.#middle();
    const [dx, dy] = [at.x - this.#began.at.x, at.y - this.#began.at.y];
    if (Math.hypot(dx, dy) > PRESS_PX || this.#pointers.size > 1) this.#moved = true;
    if (!this.#moved) return;
    if (this.#pointers.size > 1 && this.canZoom) this.#scale = clamp((this.#began.scale * gap) / this.#began.gap, 1, MOST);
    const grown = this.#scale / this.#began.scale;
    const box = this.stage.getBoundingClientRect();
    const from = { x: this.#began.at.x - box.x - box.width / 2, y: this.#began.at.y - box.y - box.height / 2 };
    this.#x = from.x - (from.x - this.#began.x) * grown + dx;
    this.#y = from.y - (from.y - this.#began.y) * grown + dy;
    // Not closer than it fits, it moves along one line: on, or away.
    if (this.#scale === 1) {
      if (Math.abs(dx) > Math.abs(dy)) this.#y = 0;
      else this.#x = 0;
    }
    this.#draw(false);
  }

  #up(event: PointerEvent): void {
    if (!this.#pointers.delete(event.pointerId) || !this.#began) return;
    if (this.#pointers.size) return this.#begin();
    if (!this.#moved && event.type === "pointerup") this.#tap(event);
    else if (this.#scale === 1) this.#swiped();
    this.#settle();
  }

  #swiped(): void {
    if (Math.abs(this.#x) > SWIPE_PX && this.events.step(this.#x < 0 ? 1 : -1)) return;
    if (Math.abs(this.#y) > SWIPE_PX * 1.4) this.events.close();
  }

  #tap(event: PointerEvent): void {
    const now = performance.now();
    const isDouble = now - this.#tapped < DOUBLE_MS;
    this.#tapped = isDouble ? 0 : now;
    clearTimeout(this.#timer);
    if (isDouble && this.canZoom) this.#to(this.#scale > 1 ? 1 : CLOSE, event);
    else if (!this.#isOn(event) && event.pointerType === "mouse") this.events.close();
    else this.#timer = Number(setTimeout(() => this.events.tap(), DOUBLE_MS));
  }

  /** Whether a pointer is on the picture; captured, it is on the stage for the browser. */
  #isOn({ clientX, clientY }: PointerEvent): boolean {
    const { left, right, top, bottom } = this.#frame.getBoundingClientRect();
    return left <= clientX && clientX <= right && top <= clientY && clientY <= bottom;
  }

  #wheel(event: WheelEvent): void {
    if (!this.canZoom) return;
    event.preventDefault();
    this.#to(this.#scale * Math.exp(-event.deltaY / (event.ctrlKey ? 100 : 400)), event);
  }

  #key(event: KeyboardEvent): void {
    if (!this.canZoom || event.ctrlKey || event.metaKey) return;
    const box = this.stage.getBoundingClientRect();
    const middle = { clientX: box.x + box.width / 2, clientY: box.y + box.height / 2 };
    if (event.key === "+" || event.key === "=") this.#to(this.#scale * 1.5, middle);
    else if (event.key === "-") this.#to(this.#scale / 1.5, middle);
    else if (event.key === "0") this.#to(1, middle);
  }

  /** Change the scale; the point under the pointer stays there. */
  #to(scale: number, { clientX, clientY }: { clientX: number; clientY: number }): void {
    const next = clamp(scale, 1, MOST);
    const box = this.stage.getBoundingClientRect();
    const [x, y] = [clientX - box.x - box.width / 2, clientY - box.y - box.height / 2];
    this.#x = x - ((x - this.#x) * next) / this.#scale;
    this.#y = y - ((y - this.#y) * next) / this.#scale;
    this.#scale = next;
    this.#settle();
  }

  /** Come to rest: no part of the stage is empty that the picture could fill. */
  #settle(): void {
    const [stage, frame] = [this.stage.getBoundingClientRect(), this.#frame];
    const spare = (size: number, room: number): number => Math.max(0, (size * this.#scale - room) / 2);
    const [x, y] = [spare(frame.offsetWidth, stage.width), spare(frame.offsetHeight, stage.height)];
    this.#x = clamp(this.#x, -x, x);
    this.#y = clamp(this.#y, -y, y);
    this.#draw(true);
  }

  #draw(isSettled: boolean): void {
    const { style } = this.#frame;
    style.transition = isSettled ? "" : "none";
    style.transform = `translate(${this.#x}px, ${this.#y}px) scale(${this.#scale})`;
    const away = this.#scale === 1 && !isSettled ? Math.min(0.7, Math.abs(this.#y) / 400) : 0;
    this.stage.style.opacity = `${1 - away}`;
    this.stage.classList.toggle("closer", this.#scale > 1);
  }

  #middle(): { at: Point; gap: number } {
    const [one, other = one] = [...this.#pointers.values()] as [Point, Point?];
    return { at: { x: (one.x + other.x) / 2, y: (one.y + other.y) / 2 }, gap: Math.max(1, Math.hypot(one.x - other.x, one.y - other.y)) };
  }
}

const clamp = (value: number, low: number, high: number): number => Math.max(low, Math.min(high, value));
