/** The client follows the page: visible or hidden, frozen and thawed, online again, asleep and awake. */

import type { Client } from "./client.js";
import { until, type BrowserTabs } from "./tabs.js";

/** Time in the background before the server is told: people come back soon. */
const HIDDEN_MS = 10_000;
/** Between two ticks; one that comes this much later says that the machine slept. */
const TICK_MS = 10_000;
const SLEPT_MS = 20_000;

/** Make `client` follow the page; the returned function ends that. `user` names the locks that visible tabs share. */
export function followPage(client: Client, user: string, tabs: BrowserTabs | undefined): () => void {
  const ending = new AbortController();
  const listen = (target: EventTarget, type: string, listener: (event: Event) => void) =>
    target.addEventListener(type, listener, { signal: ending.signal });
  const shown = new VisibleTab(`chatd:${user}:visible`);
  const resume = () => void client.resume().catch(() => {});

  const changed = () => {
    client.show(!document.hidden);
    shown.set(!document.hidden);
    if (document.hidden) {
      shown.later(() => client.background());
      return;
    }
    tabs?.wake();
    resume();
  };
  // A frozen page runs nothing: it gives up the lead and its connection while it can.
  const freeze = () => {
    void client.suspend();
    shown.set(false);
    tabs?.pause();
  };
  const thaw = () => void Promise.resolve(tabs?.resume()).then(changed);

  listen(document, "visibilitychange", changed);
  listen(document, "freeze", freeze);
  listen(document, "resume", thaw);
  listen(window, "pagehide", freeze);
  listen(window, "pageshow", (event) => (event as PageTransitionEvent).persisted && thaw());
  listen(window, "online", () => client.networkChanged());
  let last = Date.now();
  const ticking = setInterval(() => {
    const now = Date.now();
    if (now - last > SLEPT_MS && !document.hidden) resume();
    last = now;
  }, TICK_MS);
  shown.set(!document.hidden);
  client.show(!document.hidden);
  return () => {
    ending.abort();
    clearInterval(ticking);
    shown.set(false);
  };
}

/** One of the visible tabs, which share a lock: the last that is hidden finds nobody holding it. */
class VisibleTab {
  private _hide: AbortController | undefined;
  private _timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly _name: string) {}

  set(visible: boolean): void {
    clearTimeout(this._timer);
    this._hide?.abort();
    this._hide = undefined;
    if (!visible || !navigator.locks) return;
    const { signal } = (this._hide = new AbortController());
    navigator.locks.request(this._name, { mode: "shared", signal }, () => until(signal)).catch(() => {});
  }

  /** Call `act` if no tab is visible in a while. */
  later(act: () => void): void {
    this._timer = setTimeout(async () => {
      const held = (await navigator.locks?.query().catch(() => null))?.held ?? [];
      if (!held.some(({ name }) => name === this._name)) act();
    }, HIDDEN_MS);
  }
}
