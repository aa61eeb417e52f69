/** A newer version of the client: found when the server comes back, or by the worker; taken when nothing is lost by it. */
import { effect, signal } from "@preact/signals";
import { draftOf } from "./drafts.js";
import { openRoom } from "./router.js";
import { learnConfig } from "./session.js";
import { phase } from "./state.js";

/** Whether the server has another version than this page. */
export const outdated = signal(false);

let waitingWorker: ServiceWorker | null = null;

/** Compare versions whenever the client is ready again (web/README.md, "Versions"). */
export function startUpdates(): void {
  const own = document.querySelector<HTMLMetaElement>("meta[name=chatd-version]")?.content;
  let lost = false;
  effect(() => {
    const now = phase.value;
    if (now === "backoff") lost = true;
    if (now !== "ready" || !lost) return;
    lost = false;
    learnConfig().then(
      ({ version }) => (outdated.value ||= own !== undefined && version !== own),
      () => undefined,
    );
  });
  document.addEventListener("visibilitychange", () => {
    if (document.hidden && outdated.peek() && !draftOf(openRoom.peek()).peek().text) update();
  });
  void startWorker();
}

/** Load the newer version. */
export function update(): void {
  if (waitingWorker) waitingWorker.postMessage("activate");
  else location.reload();
}

/** What the browser has of Trusted Types, as far as it is used here. */
interface TrustedTypes {
  createPolicy: (name: string, rules: { createScriptURL: (url: string) => string }) => { createScriptURL: (url: string) => unknown };
}

/** Register the worker, which keeps all files of one version. Trusted Types admit no other script. */
async function startWorker(): Promise<void> {
  const workers = navigator.serviceWorker as ServiceWorkerContainer | undefined;
  if (!workers) return;
  const { trustedTypes } = window as { trustedTypes?: TrustedTypes };
  const policy = trustedTypes?.createPolicy("chatd", { createScriptURL: (url) => (url === "sw.js" ? url : "") });
  const script = policy ? policy.createScriptURL("sw.js") : "sw.js";
  const registration = await workers.register(script as string).catch(() => null);
  if (!registration) return;
  // The first worker takes over by itself, and nothing is outdated by that.
  const controlled = workers.controller !== null;
  const found = (worker: ServiceWorker | null) => {
    if (worker?.state !== "installed" || !workers.controller) return;
    waitingWorker = worker;
    outdated.value = true;
  };
  found(registration.waiting);
  registration.addEventListener("updatefound", () => {
    const worker = registration.installing;
    worker?.addEventListener("statechange", () => found(worker));
  });
  workers.addEventListener("controllerchange", () => controlled && location.reload());
}
