/** The live figures: columns of the last minutes, one sample a second, and whether they come in. */
import { signal } from "@preact/signals";
import { checkSession, isReached, session } from "./api.js";

export interface Point {
  t: number;
  connections: number;
  messages: number;
  deliveries: number;
  commit_ms: [number, number] | null;
  queue: number;
  outbox_bytes: number;
  lagging: number;
  loop_ms: number;
  cpu: number;
  memory_bytes: number;
}

type Columns = { [Name in keyof Point]: Point[Name][] };

/** Longer than the longest range that is shown. */
const KEPT_S = 900;
/** A tab that is hidden for a moment keeps its streams; one that nobody looks at costs the server nothing. */
const HIDDEN_MS = 30_000;
const RETRY_MS = 2_000;

/** All samples that are kept, oldest first. */
export const points = signal<readonly Point[]>([]);
export const isLive = signal(false);
/** Whether the server answers, and sends no figures: as many watch as may. */
export const isFull = signal(false);

/** A stream that is open while the page is seen and signed in; it opens again by itself after a failure. */
export class Stream {
  #source: EventSource | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isWanted = false;
  readonly #onVisibility = (): void => this.#onSeen();

  constructor(
    private readonly url: () => string,
    private readonly handlers: Record<string, (data: never) => void>,
    private readonly onState: (isOpen: boolean) => void,
  ) {}

  open(): void {
    this.#isWanted = true;
    document.addEventListener("visibilitychange", this.#onVisibility);
    this.#connect();
  }

  close(): void {
    this.#isWanted = false;
    document.removeEventListener("visibilitychange", this.#onVisibility);
    this.#disconnect();
  }

  #connect(): void {
    this.#disconnect();
    const source = (this.#source = new EventSource(this.url()));
    source.onopen = () => {
      isReached.value = true;
      isFull.value = false;
      this.onState(true);
    };
    source.onerror = () => void this.#failed(source);
    for (const [name, handle] of Object.entries(this.handlers)) {
      source.addEventListener(name, (event) => handle(JSON.parse((event as MessageEvent<string>).data) as never));
    }
  }

  #disconnect(): void {
    clearTimeout(this.#timer);
    this.#source?.close();
    this.#source = null;
  }

  /** Try again later; a session that is over is found by asking, because a stream does not say why it failed. */
  async #failed(source: EventSource): Promise<void> {
    source.close();
    if (source !== this.#source) return;
    this.onState(false);
    await checkSession();
    isFull.value = isReached.value && session.value === "open";
    if (this.#isWanted && source === this.#source && session.value !== "closed") {
      this.#timer = setTimeout(() => this.#connect(), RETRY_MS);
    }
  }

  #onSeen(): void {
    clearTimeout(this.#timer);
    if (document.hidden) this.#timer = setTimeout(() => this.#disconnect(), HIDDEN_MS);
    else if (!this.#source || this.#source.readyState === EventSource.CLOSED) this.#connect();
  }
}

export const figures = new Stream(
  () => "v1/figures",
  {
    history: (columns: Columns) => {
      const names = Object.keys(columns) as (keyof Point)[];
      points.value = columns.t.map((_, row) => Object.fromEntries(names.map((name) => [name, columns[name][row]])) as unknown as Point);
    },
    figures: (point: Point) => {
      const before = points.value.filter((one) => one.t > point.t - KEPT_S);
      points.value = [...before, point];
    },
  },
  (isOpen) => {
    isLive.value = isOpen;
  },
);
