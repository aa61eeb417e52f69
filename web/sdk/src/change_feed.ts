/** The path of changes to the app: callbacks, in order. */

import type { Change } from "./core/changes.js";

export type Listener = (change: Change) => void;

/** The changes of one client, to any number of listeners. */
export class ChangeFeed {
  private readonly _listeners = new Set<{ readonly call: Listener }>();

  constructor(private readonly _log: (text: string) => void) {}

  /** Call `call` with every change, at once; the result ends that. It must return soon; what it throws is logged. */
  subscribe(call: Listener): () => void {
    const listener = { call };
    this._listeners.add(listener);
    return () => this._listeners.delete(listener);
  }

  /** Call every listener with `change`. */
  emit(change: Change): void {
    for (const { call } of [...this._listeners]) {
      try {
        call(change);
      } catch (error) {
        // A fault of the app must not cost the connection.
        this._log(`a listener failed at ${change.kind}: ${error}`);
      }
    }
  }
}
