/** The uploads of the user of this tab. */
import { effect, signal } from "@preact/signals";
import { BrowserMediaStore, Media, MemoryMediaStore, type Outgoing } from "@chatd/client/media";
import { canShare } from "@chatd/client/browser";
import { t } from "../locale/locale.js";
import { announce } from "../shell/announcer.js";
import { tokenForClient } from "../shell/session.js";
import { client, me, phase, signedIn } from "../shell/state.js";
import { keepLocal } from "./local_files.js";
import { markWaiting, outgoing } from "./outgoing.js";

const current = signal<Media | undefined>(undefined);

/** What sends files; there is one as long as somebody is signed in. */
export function media(): Media {
  if (!current.peek()) throw new Error("not signed in");
  return current.peek()!;
}

effect(() => {
  const user = me.value;
  if (!signedIn.value || !user) return;
  const store = canShare() ? new BrowserMediaStore(user) : new MemoryMediaStore();
  const made = new Media(client(), { token: tokenForClient, store });
  current.value = made;
  const stop = made.on(({ key }) => show(made, key));
  void made.start().then(() => markWaiting(made.outgoing.length > 0));
  const online = (): void => made.networkChanged();
  const ready = phase.subscribe((now) => now === "ready" && online());
  addEventListener("online", online);
  return () => {
    removeEventListener("online", online);
    ready();
    stop();
    made.close();
    current.value = undefined;
    outgoing.value = new Map();
  };
});

function show(made: Media, key: string): void {
  const found = made.get(key);
  const before = outgoing.peek();
  const next = new Map<string, Outgoing>(before);
  if (found) {
    for (const file of found.files) keepLocal(file);
    next.set(key, found);
  } else next.delete(key);
  if (found?.state === "failed" && before.get(key)?.state !== "failed") announce(t("chat.failed"));
  if (next.size !== before.size) markWaiting(next.size > 0);
  outgoing.value = next;
}
