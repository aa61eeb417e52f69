/** A newer version of the client: found when the server comes back, or by the worker; taken when nothing is lost by it. */
import { effect, signal } from "@preact/signals";
import { draftOf } from "./drafts.js";
import { openRoom } from "./router.js";
import { learnConfig } from "./session.js";
import { phase } from "./state.js";

/** Whether the server has another version than this page. */
export const outdated = signal(false);

let waitingWorker: ServiceWorker | null = null;

const own = () => document.querySelector<HTMLMetaElement>("meta[name=chatd-version]")?.content;

/** Compare versions whenever the client is ready again (web/README.md, "Versions"). */
export function startUpdates(): void {
  let lost = false;
  effect(() => {
    const now = phase.value;
    if (now === "backoff") lost = true;
    if (now !== "ready" || !lost) return;
    lost = false;
    learnConfig().then(
      ({ version }) => (outdated.value ||= version !== own()),
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
  waitingWorker?.postMessage("activate");
  location.reload();
}

interface Rules<T> {
  createScriptURL: (url: string) => T;
}

/** What the browser has of Trusted Types, as far as it is used here. */
interface TrustedTypes {
  createPolicy: (name: string, rules: Rules<string>) => Rules<unknown>;
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
  const found = async (worker: ServiceWorker | null) => {
    // The first worker takes over by itself, and nothing is outdated by that.
    if (worker?.state !== "installed" || !workers.controller) return;
    const { version } = await learnConfig();
    // The page comes from the network first: after a reload it is new, and only its worker is not.
    if (version === own()) return worker.postMessage("activate");
    waitingWorker = worker;
    outdated.value = true;
  };
  const look = (worker: ServiceWorker | null) => void found(worker).catch(() => undefined);
  look(registration.waiting);
  registration.addEventListener("updatefound", () => {
    const worker = registration.installing;
    worker?.addEventListener("statechange", () => look(worker));
  });
}
