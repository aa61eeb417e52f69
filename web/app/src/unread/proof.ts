/** The proof that the list of chats is that of the server: asked for after the first load, and once an hour that it is looked at. */
import { signal } from "@preact/signals";
import { verify } from "@chatd/client/conversations";
import { client, me, phase } from "../shell/state.js";
import { keep, kept } from "../shell/web_storage.js";

const HOUR = 3_600_000;
/** Milliseconds after which what was missed is there. */
const SETTLE_MS = 5000;

export interface Proofs {
  /** When it was asked last, in Unix milliseconds, and how often in all. */
  readonly at: number;
  readonly asked: number;
  /** How often the list was another, and was fetched anew. */
  readonly unequal: number;
}

const place = (): string => `chatd:${me.peek()}:proofs`;
const changed = signal(0);

/** What became of the proofs of this user in this browser; the caller is drawn again after each. */
export function proofs(): Proofs {
  changed.value;
  return { at: 0, asked: 0, unequal: 0, ...(JSON.parse(kept("localStorage", place()) ?? "{}") as Partial<Proofs>) };
}

/** Whether the list can be compared: an insecure page has no digests. */
export const canProve = (): boolean => "subtle" in crypto;

/** Compare the list with that of the server; one that is another is fetched anew. */
export async function prove(): Promise<boolean> {
  note({});
  const equal = await verify(client());
  note({ asked: 1, unequal: equal ? 0 : 1 });
  return equal;
}

/** Note it at once, so that no other tab asks, too. */
function note({ asked = 0, unequal = 0 }): void {
  const now = proofs();
  keep("localStorage", place(), JSON.stringify({ at: Date.now(), asked: now.asked + asked, unequal: now.unequal + unequal }));
  changed.value += 1;
}

let timer = 0;

function soon(): void {
  clearTimeout(timer);
  if (phase.peek() !== "ready" || document.hidden || !canProve()) return;
  timer = Number(
    setTimeout(() => {
      if (phase.peek() === "ready" && Date.now() - proofs().at > HOUR) prove().catch(() => undefined);
    }, SETTLE_MS),
  );
}

phase.subscribe(soon);
document.addEventListener("visibilitychange", soon);
