/** Drawing at once: what a change of signals draws is in the document when the call returns, so it can be measured. */
import { batch } from "@preact/signals";
import { options } from "preact";

/** Make a change, and draw what depends on it before returning. */
export function renderNow(change: () => void): void {
  const before = options.debounceRendering;
  options.debounceRendering = (render) => render();
  try {
    batch(change);
  } finally {
    if (before) options.debounceRendering = before;
    else delete options.debounceRendering;
  }
}
