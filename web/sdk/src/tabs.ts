/** How the tabs of one user agree which of them is connected: `Tabs` on Web Locks and a BroadcastChannel.
 *
 * The tab that holds the lock leads. A closed tab gives it up at once; a frozen one keeps it for ever, so a leader gives a
 * sign of life every two seconds, and a visible tab that hears none takes the lock away. Hidden tabs never do: to follow
 * is no error. For a moment two tabs may lead; storage.ts says why that doubles nothing.
 *
 * Every tab numbers what it tells. One that misses a number, or hears of a new leader, loads everything again, so that
 * nothing depends on every message arriving. Locks also tell who is there: each tab holds one of its own while it lives,
 * and a shared one while it is visible.
 */

import type { Answer, Ask, News, Tab, Tabs } from "./tab_link.js";

const BEAT_MS = 2_000;
/** Silence after which a visible tab takes the lead, and that after a wake-up. */
const SILENCE_MS = 3_000;
const WAKE_MS = 1_000;

type Message =
  | { readonly kind: "news"; readonly number: number; readonly news: News }
  | { readonly kind: "ask"; readonly id: number; readonly ask: Ask }
  | { readonly kind: "answer"; readonly to: string; readonly id: number; readonly answer: Answer }
  | { readonly kind: "beat"; readonly isNew?: boolean }
  | { readonly kind: "wake" };
type Told = Message & { readonly from: string };

interface Pending {
  readonly ask: Ask;
  readonly resolve: (answer: Answer) => void;
}

/** The tabs of one user in this browser. */
export class BrowserTabs implements Tabs {
  readonly id = Array.from(crypto.getRandomValues(new Uint8Array(8)), (byte) => byte.toString(16).padStart(2, "0")).join("");
  private readonly _name: string;
  private _channel: BroadcastChannel | undefined;
  private _tab!: Tab;
  private _leading = false;
  private _leader = "";
  private _heardAt = 0;
  private _beating: ReturnType<typeof setInterval> | undefined;
  private _watching: ReturnType<typeof setInterval> | undefined;
  // Ends the wait for the lock, or gives it up.
  private _letGo = new AbortController();
  private _isWaiting = false;
  private _leave = new AbortController();
  // What a tab does comes one after the other: to load, to take news, to take answers.
  private _queue: Promise<unknown> = Promise.resolve();
  private _number = 0;
  private readonly _numbers = new Map<string, number>();
  private _askId = 0;
  private readonly _asks = new Map<number, Pending>();
  private readonly _known = new Set<string>();

  constructor(user: string) {
    this._name = `chatd:${user}`;
  }

  async start(tab: Tab): Promise<void> {
    this._tab = tab;
    void navigator.locks.request(`${this._name}:tab:${this.id}`, { signal: this._leave.signal }, () => until(this._leave.signal)).catch(() => {});
    await this._join();
  }

  publish(news: News): void {
    this._tell({ kind: "news", number: (this._number += 1), news });
  }

  ask(ask: Ask): Promise<Answer> {
    return new Promise((resolve) => {
      const id = (this._askId += 1);
      this._asks.set(id, { ask, resolve });
      if (this._leading) this._repeat();
      else this._tell({ kind: "ask", id, ask });
    });
  }

  async stop(): Promise<void> {
    this._leave.abort();
    this.pause();
    await this._queue;
  }

  /** Give up the lead and listen no more, before the browser freezes the page. */
  pause(): void {
    this._letGo.abort();
    this._isWaiting = false;
    this._setLeading(false);
    clearInterval(this._watching);
    this._hangUp();
  }

  /** Take part again after `pause`. */
  async resume(): Promise<void> {
    if (!this._channel && !this._leave.signal.aborted) await this._join();
  }

  /** Ask for a sign of life: this tab is in front now. */
  wake(): void {
    if (this._leading) return;
    this._heardAt = Math.min(this._heardAt, Date.now() - SILENCE_MS + WAKE_MS);
    this._tell({ kind: "wake" });
  }

  private async _join(): Promise<void> {
    this._channel = new BroadcastChannel(this._name);
    this._channel.onmessage = ({ data }: MessageEvent<Told>) => this._take(data);
    this._heardAt = Date.now();
    this._letGo = new AbortController();
    this._watching = setInterval(() => this._watch(), WAKE_MS);
    // The others may be busy; who does not get the lock at once loads what is stored, and waits for it.
    const isFree = await this._request({ ifAvailable: true });
    if (!isFree) {
      this._wait();
      await this._after(() => this._tab.follow());
    }
  }

  /** Ask for the lock, and lead while it is held; resolves once this tab leads, or cannot now. */
  private _request(options: LockOptions): Promise<boolean> {
    const { signal } = this._letGo;
    return new Promise((resolve) => {
      const lead = async (can: boolean) => {
        if (!can || signal.aborted) return resolve(false);
        await this._lead();
        resolve(true);
        await until(signal);
      };
      navigator.locks.request(this._name, options, async (lock) => {
        if (options.signal) this._isWaiting = false;
        await lead(lock !== null);
      }).catch(async (error: DOMException) => {
        // Who blocks cookies blocks locks and storage, too: each tab is alone then.
        const isDenied = error?.name === "SecurityError";
        if (isDenied) this._hangUp();
        await lead(isDenied);
      }).finally(() => this._lost(signal));
    });
  }

  /** Lead when whoever does is gone. */
  private _wait(): void {
    if (this._isWaiting) return;
    this._isWaiting = true;
    void this._request({ signal: this._letGo.signal });
  }

  private async _lead(): Promise<void> {
    this._setLeading(true);
    await this._after(() => (this._leading ? this._tab.lead() : undefined));
    this._repeat();
  }

  /** Follow, after another tab took the lock away. */
  private _lost(signal: AbortSignal): void {
    if (!this._leading || signal.aborted) return;
    this._setLeading(false);
    this._heardAt = Date.now();
    void this._after(() => (this._leading ? undefined : this._tab.follow()));
    this._wait();
  }

  private _setLeading(leading: boolean): void {
    this._leading = leading;
    clearInterval(this._beating);
    if (!leading) return;
    this._leader = this.id;
    this._tell({ kind: "beat", isNew: true });
    this._beating = setInterval(() => this._tell({ kind: "beat" }), BEAT_MS);
  }

  private _watch(): void {
    if (this._leading || document.hidden || Date.now() - this._heardAt < SILENCE_MS) return;
    this._heardAt = Date.now();
    void this._request({ steal: true });
  }

  // Messages.

  private _take(told: Told): void {
    const { from } = told;
    if (told.kind === "beat") this._hear(from, told.isNew);
    else if (told.kind === "wake" && this._leading) this._tell({ kind: "beat" });
    else if (told.kind === "ask" && this._leading) void this._perform(told);
    else if (told.kind === "answer" && told.to === this.id) void this._after(() => this._answered(told.id, told.answer));
    else if (told.kind === "news") {
      const before = this._numbers.get(from);
      this._numbers.set(from, told.number);
      const isWhole = before === undefined || told.number === before + 1;
      const isFromLeader = !this._leader || from === this._leader;
      void this._after(() => (isWhole || this._leading ? this._tab.take(told.news, isFromLeader) : this._tab.follow()));
    }
  }

  private _hear(leader: string, isNew = !!this._leader): void {
    this._heardAt = Date.now();
    if (this._leading || leader === this._leader) return;
    this._leader = leader;
    // Who led when this tab loaded may have told it nothing more.
    if (isNew) void this._after(() => (this._leading ? undefined : this._tab.follow()));
    this._repeat();
  }

  private async _perform({ from, id, ask }: Told & { kind: "ask" }): Promise<void> {
    if (!this._known.has(from)) {
      this._known.add(from);
      const gone = () => this._gone(from);
      navigator.locks.request(`${this._name}:tab:${from}`, { signal: this._leave.signal }, gone).catch(() => {});
    }
    // What was stored is loaded before the first command.
    await this._queue;
    const answer = await this._tab.perform(ask);
    // Who lost the lead meanwhile has no answer: the asker asks who leads now.
    if (this._leading) this._tell({ kind: "answer", to: from, id, answer });
  }

  private _gone(tab: string): void {
    this._known.delete(tab);
    this._numbers.delete(tab);
    this._tab.left(tab);
  }

  private _answered(id: number, answer: Answer): void {
    this._asks.get(id)?.resolve(answer);
    this._asks.delete(id);
  }

  /** Ask again for everything that has no answer: who led is not there any more. */
  private _repeat(): void {
    for (const [id, { ask }] of this._asks) {
      if (this._leading) void this._performOwn(id, ask);
      else this._tell({ kind: "ask", id, ask });
    }
  }

  private async _performOwn(id: number, ask: Ask): Promise<void> {
    await this._queue;
    const answer = await this._tab.perform(ask);
    if (this._leading) this._answered(id, answer);
  }

  private _hangUp(): void {
    this._channel?.close();
    this._channel = undefined;
  }

  private _tell(message: Message): void {
    this._channel?.postMessage({ ...message, from: this.id } satisfies Told);
  }

  private _after(work: () => void | Promise<void>): Promise<void> {
    const done = this._queue.then(work);
    this._queue = done.catch((error: unknown) => console.error(error));
    return done;
  }
}

/** The end of what a lock is held for. */
export function until(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
