/** The path of changes to the app: callbacks, in order. */

import type { Change } from "./core/changes.js";

export type Listener = (change: Change) => void;

/** The changes of one client, to any number of listeners. */
export class ChangeFeed {
  private readonly listeners = new Set<{ readonly call: Listener }>();

  constructor(private readonly log: (text: string) => void) {}

  /** Call `call` with every change, at once; the result ends that. It must return soon; what it throws is logged. */
  subscribe(call: Listener): () => void {
    const listener = { call };
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Call every listener with `change`. */
  emit(change: Change): void {
    for (const { call } of [...this.listeners]) {
      try {
        call(change);
      } catch (error) {
        // A fault of the app must not cost the connection.
        this.log(`a listener failed at ${change.kind}: ${error}`);
      }
    }
  }
}
