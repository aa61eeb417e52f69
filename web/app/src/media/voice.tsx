/** A voice message: what it sounds like, how long it is, and whether it was heard. */
import { useComputed } from "@preact/signals";
import { useMemo } from "preact/hooks";
import type { Attachment, Message } from "@chatd/client";
import { peaksOf } from "@chatd/client/media";
import { t } from "../locale/locale.js";
import { me } from "../shell/state.js";
import type { Chat } from "../timeline/chat.js";
import { isHeard, noteHeard } from "./heard.js";
import { MediaIcon } from "./icons.js";
import { clock, isOfServer, kindOf } from "./kinds.js";
import { links, localOf, placeOf } from "./links.js";
import { nextSpeed, playing, seek, speed, toggle, type Track } from "./player.js";
import { Ring, useTransfer } from "./transfer.js";

/** Units of the drawing: a bar and the gap beside it, and the height. */
const STEP = 3.5;
const HEIGHT = 28;
/** Milliseconds that an arrow key moves. */
const KEY_STEP = 2000;

export function Voice({ chat, message, attachment }: { chat: Chat; message: Message; attachment: Attachment }) {
  const id = trackId(message, attachment);
  const now = useComputed(() => (playing.value?.id === id ? playing.value : null)).value;
  const { duration = 0 } = attachment;
  const own = message.user === me.value;
  const heard = isHeard(chat, message);
  const transfer = useTransfer({ message, attachment });
  const track = () => trackOf(chat, message, attachment);
  const goes = now?.state === "playing" || now?.state === "loading";
  const time = now ? now.time : 0;
  return (
    <div class={`voice${heard ? "" : " unheard"}${now ? " is-current" : ""}`}>
      {transfer ? (
        <Ring {...transfer} id={message.key} />
      ) : (
        <button type="button" class="voice-play" aria-label={t(goes ? "media.pause-voice" : "media.play-voice")} onClick={() => toggle(track())}>
          <MediaIcon name={goes ? "pause" : "play"} />
        </button>
      )}
      <div class="voice-wave" dir="ltr">
        <Wave waveform={attachment.waveform} part={duration ? Math.min(1, time / duration) : 0} />
        <input
          type="range"
          min={0}
          max={Math.max(1, duration)}
          step={10}
          value={time}
          disabled={!!transfer}
          aria-label={t("media.voice")}
          aria-valuetext={t("media.of", { time: clock(time), all: clock(duration) })}
          onInput={(event) => seek(track(), Number(event.currentTarget.value))}
          onKeyDown={(event) => onKey(event, track(), time, duration)}
        />
      </div>
      <div class="voice-foot">
        <span class="voice-time">{clock(goes || time ? time : duration)}</span>
        {!heard && <span class="voice-dot" role="img" aria-label={t(own ? "media.unheard.own" : "media.unheard")} />}
        {now && now.state !== "failed" && (
          <button type="button" class="voice-speed" aria-label={t("media.speed", { speed: `${speed.value}` })} onClick={nextSpeed}>
            {`${speed.value}×`}
          </button>
        )}
        {now?.state === "failed" && <span class="voice-failed">{t("media.voice.failed")}</span>}
      </div>
    </div>
  );
}

function onKey(event: KeyboardEvent, track: Track, time: number, duration: number): void {
  const step = { ArrowLeft: -KEY_STEP, ArrowRight: KEY_STEP }[event.key];
  if (event.key === " " || event.key === "Enter") toggle(track);
  else if (step) seek(track, Math.max(0, Math.min(duration, time + step)));
  else return;
  event.preventDefault();
  event.stopPropagation();
}

/** 64 bars, those that were heard in the accent. */
function Wave({ waveform, part }: { waveform: string | undefined; part: number }) {
  const path = useMemo(() => pathOf(peaksOf(waveform)), [waveform]);
  const box = `0 0 ${64 * STEP} ${HEIGHT}`;
  return (
    <>
      <svg class="wave" viewBox={box} preserveAspectRatio="none" aria-hidden="true">
        <path d={path} />
      </svg>
      <svg class="wave heard" viewBox={box} preserveAspectRatio="none" aria-hidden="true" style={{ clipPath: `inset(0 ${(1 - part) * 100}% 0 0)` }}>
        <path d={path} />
      </svg>
    </>
  );
}

function pathOf(peaks: readonly number[]): string {
  return peaks
    .map((peak, at) => {
      const half = Math.max(1, (peak * (HEIGHT - 4)) / 2);
      return `M${at * STEP + STEP / 2} ${HEIGHT / 2 - half}v${2 * half}`;
    })
    .join("");
}

const trackId = (message: Message, { url }: Attachment): string => `${message.room} ${message.key} ${url}`;

function trackOf(chat: Chat, message: Message, attachment: Attachment): Track {
  const { room, seq } = message;
  const place = placeOf(attachment, room, seq);
  return {
    id: trackId(message, attachment),
    duration: attachment.duration ?? 0,
    address: async (again) => {
      const local = localOf(attachment);
      if (local) return local;
      if (again) links().drop(place);
      return links().url(place);
    },
    onHeard: () => noteHeard(chat, message),
    next: () => nextOf(chat, seq),
  };
}

/** The next message of the chat, if it is a voice message of another that was not heard. */
function nextOf(chat: Chat, seq: number): Track | undefined {
  const { messages } = chat.model.stretch.peek();
  const following = messages.find((message) => message.seq > seq && !message.recalled);
  const attachment = following?.body?.attachments?.find((one) => isOfServer(one) && kindOf(one) === "voice");
  if (!following || !attachment || following.user === me.peek() || isHeard(chat, following)) return undefined;
  return trackOf(chat, following, attachment);
}
