/** Above the composer while somebody speaks a voice message: who it is, and how to hear it before it is sent. */
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { Change } from "@chatd/client";
import { canHear, listen, LiveNotes, LivePlayer, type LiveNote } from "@chatd/client/live";
import { t } from "../locale/locale.js";
import { mediaOffer } from "../shell/contacts.js";
import { tokenForClient } from "../shell/session.js";
import { client } from "../shell/state.js";
import { userOf } from "../shell/users.js";
import type { Chat } from "../timeline/chat.js";
import { MediaIcon } from "./icons.js";
import { stopPlaying } from "./player.js";

/** Packets of 20 ms of one bar, and the bars that are shown. */
const PACKETS = 5;
const BARS = 40;
/** Units of the drawing: a bar and the gap beside it, and the height. */
const STEP = 3.5;
const HEIGHT = 20;

/** `first`: the change for which this was loaded. */
export function LiveBar({ chat, first }: { chat: Chat; first: Change }) {
  const spoken = useSignal<readonly LiveNote[]>([]);
  const heard = useSignal<LiveNote | null>(null);
  useEffect(() => {
    const on = (listener: (change: Change) => void) => {
      listener(first);
      return client().on(listener);
    };
    const show = () => {
      spoken.value = notes.inRoom(chat.state.id);
    };
    // The first is told before there is anybody to ask.
    const notes: LiveNotes = new LiveNotes({ on }, () => queueMicrotask(show));
    return () => notes.close();
  }, [chat]);
  const { value: last } = heard;
  // The sound goes on for a moment when its speaker has ended.
  const all = last && !spoken.value.some(({ file }) => file === last.file) ? [...spoken.value, last] : spoken.value;
  if (!all.length) return null;
  return (
    <div class="live-bar">
      {all.map((note) => (
        <Speaker key={note.file} note={note} onHearing={(hears) => (heard.value = hears ? note : null)} />
      ))}
    </div>
  );
}

function Speaker({ note, onHearing }: { note: LiveNote; onHearing: (hears: boolean) => void }) {
  const { name } = userOf(note.user).value;
  const hearing = useRef<AbortController | null>(null);
  const levels = useSignal<readonly number[]>([]);
  const isHeard = useSignal(false);
  useEffect(() => () => hearing.current?.abort(), []);
  const toggle = async () => {
    if (hearing.current) return hearing.current.abort();
    stopPlaying();
    const abort = (hearing.current = new AbortController());
    const player = new LivePlayer(() => (levels.value = barsOf(player.levels)));
    abort.signal.addEventListener("abort", () => player.stop());
    isHeard.value = true;
    onHearing(true);
    const bytes = listen(note, { url: mediaOffer.peek()!.url, token: tokenForClient, signal: abort.signal });
    // It was stopped, or it is over: the message says the rest.
    await player.play(bytes).catch(() => undefined);
    hearing.current = null;
    isHeard.value = false;
    onHearing(false);
  };
  return (
    <div class="live-row">
      <span class="recorder-light" aria-hidden="true" />
      <span class="live-name" role="status">
        {t("media.live.speaking", { name })}
      </span>
      <svg class="live-wave" viewBox={`0 0 ${BARS * STEP} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
        <path d={pathOf(levels.value)} />
      </svg>
      {canHear() && (
        <button type="button" class="button small" aria-pressed={isHeard.value} onClick={() => void toggle()}>
          <MediaIcon name={isHeard.value ? "pause" : "play"} />
          {t(isHeard.value ? "media.live.stop" : "media.live.listen")}
        </button>
      )}
    </div>
  );
}

/** Return the loudest of each tenth of a second, the newest at the end. */
function barsOf(levels: readonly number[]): number[] {
  const from = Math.max(0, Math.ceil(levels.length / PACKETS) - BARS) * PACKETS;
  const bars = [];
  for (let at = from; at < levels.length; at += PACKETS) bars.push(Math.max(...levels.slice(at, at + PACKETS)));
  return bars;
}

const pathOf = (bars: readonly number[]): string =>
  bars
    .map((level, number) => {
      const half = Math.max(1, level * HEIGHT) / 2;
      return `M${number * STEP + 1} ${HEIGHT / 2 - half}v${2 * half}`;
    })
    .join("");
