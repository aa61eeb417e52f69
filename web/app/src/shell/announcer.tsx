/** The one polite region that screen readers follow, and the short notices at the foot of the window. */
import { signal } from "@preact/signals";

/** Least time between two announcements, so that a busy room does not talk without end. */
const PAUSE_MS = 1000;
/** The time a notice stands. */
const NOTICE_MS = 5000;

const spoken = signal("");
const notice = signal("");
let next: string | null = null;
let pausing = false;
let ending: ReturnType<typeof setTimeout> | undefined;

/** Say a text to screen readers; of several within a second the last is said. */
export function announce(text: string): void {
  if (pausing) {
    next = text;
    return;
  }
  spoken.value = text;
  pausing = true;
  setTimeout(() => {
    pausing = false;
    const waiting = next;
    next = null;
    if (waiting !== null) announce(waiting);
  }, PAUSE_MS);
}

/** Show a short text at the foot of the window for 5 s, and say it. */
export function notify(text: string): void {
  notice.value = text;
  announce(text);
  clearTimeout(ending);
  ending = setTimeout(() => (notice.value = ""), NOTICE_MS);
}

/** The region and the notice; once in every window. */
export function Announcer() {
  return (
    <>
      <div class="unseen" role="status" aria-live="polite">
        {spoken}
      </div>
      {notice.value && (
        <p class="notice" aria-hidden="true">
          {notice}
        </p>
      )}
    </>
  );
}
