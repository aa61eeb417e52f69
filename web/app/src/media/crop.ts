/** The part of a picture inside a frame: moved by a pointer, made closer by wheel, two fingers or a slider. */
import { signal } from "@preact/signals";

/** How much closer than it fits. */
const MOST = 5;

interface Point {
  readonly x: number;
  readonly y: number;
}

export class Crop {
  readonly ready = signal(false);
  /** 0: it fits; 100: as close as it gets. */
  readonly zoom = signal(0);
  #frame: HTMLElement | undefined;
  #image: HTMLImageElement | undefined;
  /** The middle of the frame, in pixels of the picture. */
  #x = 0;
  #y = 0;
  readonly #pointers = new Map<number, Point>();

  /** Follow the pointers in a frame; the returned function ends that. */
  follow(frame: HTMLElement): () => void {
    this.#frame = frame;
    const ends = new AbortController();
    const { signal } = ends;
    frame.addEventListener(
      "pointerdown",
      (event) => {
        frame.setPointerCapture(event.pointerId);
        this.#pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
      },
      { signal },
    );
    frame.addEventListener("pointermove", (event) => this.#dragged(event), { signal });
    for (const kind of ["pointerup", "pointercancel"] as const) {
      frame.addEventListener(kind, (event) => this.#pointers.delete(event.pointerId), { signal });
    }
    const wheel = (event: WheelEvent): void => {
      event.preventDefault();
      this.zoomTo(this.zoom.peek() - event.deltaY / 8);
    };
    frame.addEventListener("wheel", wheel, { signal, passive: false });
    const watch = new ResizeObserver(() => this.#draw());
    watch.observe(frame);
    return () => (ends.abort(), watch.disconnect());
  }

  /** The picture is there: it fills the frame, its middle in the middle. */
  loaded(image: HTMLImageElement): void {
    this.#image = image;
    this.#x = image.naturalWidth / 2;
    this.#y = image.naturalHeight / 2;
    this.ready.value = true;
    this.#draw();
  }

  zoomTo(zoom: number): void {
    this.zoom.value = Math.max(0, Math.min(100, zoom));
    this.#draw();
  }

  /** Move the picture by pixels of the screen. */
  move(x: number, y: number): void {
    const scale = this.#scale;
    this.#x -= x / scale;
    this.#y -= y / scale;
    this.#draw();
  }

  /** Return what is in the frame, at most so many pixels on the longer side. */
  async cut(pixels: number, quality: number): Promise<Blob> {
    const [frame, image] = [this.#frame!.getBoundingClientRect(), this.#image!];
    const [width, height] = [frame.width / this.#scale, frame.height / this.#scale];
    const shrink = Math.min(1, pixels / Math.max(width, height));
    const canvas = document.createElement("canvas");
    canvas.width = Math.max(1, Math.round(width * shrink));
    canvas.height = Math.max(1, Math.round(height * shrink));
    const pen = canvas.getContext("2d")!;
    pen.imageSmoothingQuality = "high";
    // What is clear in the picture is white in the one that is sent.
    pen.fillStyle = "#fff";
    pen.fillRect(0, 0, canvas.width, canvas.height);
    pen.drawImage(image, this.#x - width / 2, this.#y - height / 2, width, height, 0, 0, canvas.width, canvas.height);
    return new Promise((resolve, reject) => {
      canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("no picture"))), "image/jpeg", quality);
    });
  }

  #dragged(event: PointerEvent): void {
    const before = this.#pointers.get(event.pointerId);
    if (!before) return;
    const gapBefore = this.#gap();
    this.#pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    if (this.#pointers.size > 1 && gapBefore) {
      this.zoomTo(this.zoom.peek() + (Math.log(this.#gap() / gapBefore) / Math.log(MOST)) * 100);
    } else this.move(event.clientX - before.x, event.clientY - before.y);
  }

  #gap(): number {
    const [one, other] = [...this.#pointers.values()];
    return one && other ? Math.hypot(one.x - other.x, one.y - other.y) : 0;
  }

  /** Pixels of the screen for one of the picture. */
  get #scale(): number {
    const [frame, image] = [this.#frame!.getBoundingClientRect(), this.#image!];
    const fit = Math.max(frame.width / image.naturalWidth, frame.height / image.naturalHeight);
    return fit * MOST ** (this.zoom.peek() / 100);
  }

  #draw(): void {
    const [frame, image] = [this.#frame, this.#image];
    if (!frame || !image) return;
    const { width, height } = frame.getBoundingClientRect();
    if (!width) return;
    const scale = this.#scale;
    const within = (middle: number, size: number, shown: number): number => {
      const half = Math.min(shown / scale, size) / 2;
      return Math.max(half, Math.min(size - half, middle));
    };
    this.#x = within(this.#x, image.naturalWidth, width);
    this.#y = within(this.#y, image.naturalHeight, height);
    image.style.inlineSize = `${image.naturalWidth * scale}px`;
    image.style.transform = `translate(${width / 2 - this.#x * scale}px, ${height / 2 - this.#y * scale}px)`;
  }
}
