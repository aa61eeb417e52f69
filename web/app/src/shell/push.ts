/** Notifications of this browser, as far as the first load knows of them: the rest comes for who has them, or is asked. */
import { effect, signal } from "@preact/signals";
import { pushOffer } from "./contacts.js";
import { me, phase } from "./state.js";
import { keep, kept } from "./web_storage.js";

const load = () => import("../push/browser_push.js");

/** Whether this is the page, which has a worker, and not a client embedded elsewhere. */
export const hasWorker = signal(false);

/** Register this browser whenever the client is ready, and answer the worker. */
export function startPush(): void {
  const workers = navigator.serviceWorker as ServiceWorkerContainer | undefined;
  if (!workers) return;
  hasWorker.value = true;
  effect(() => {
    if (phase.value === "ready" && pushOffer.value && wish() === "on") void load().then(({ refresh }) => refresh());
  });
  workers.addEventListener("message", (event) => void load().then(({ answer }) => answer(event)));
}

/** What the user chose for this browser; null while they were not asked. */
export const wish = (): string | null => kept("localStorage", `chatd:${me.peek()}:push`);
export const setWish = (value: "on" | "off"): void => keep("localStorage", `chatd:${me.peek()}:push`, value);

/** End the notifications of a user who signs out. */
export async function endPush(): Promise<void> {
  if (hasWorker.peek() && wish() === "on") await load().then(({ end }) => end());
}
