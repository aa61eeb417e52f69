/** In place of the text while a voice message is spoken: how long, how loud, and how to end it. */
import { useEffect, useRef } from "preact/hooks";
import { t } from "../locale/locale.js";
import { Icon } from "../shell/icons.js";
import { clock } from "./kinds.js";
import { MediaIcon } from "./icons.js";
import type { Recording } from "./recording.js";

/** Pixels of a bar and the gap beside it. */
const STEP_PX = 4;

export function RecorderBar({ recording }: { recording: Recording }) {
  const state = recording.state.value;
  recording.ticks.value;
  const send = useRef<HTMLButtonElement>(null);
  // Its button is gone under the finger or the focus: the focus goes on here.
  useEffect(() => {
    if (state === "locked") send.current?.focus({ preventScroll: true });
  }, [state]);
  const onKey = (event: KeyboardEvent) => {
    if (event.key !== "Escape") return;
    event.preventDefault();
    event.stopPropagation();
    recording.cancel();
  };
  const held = state === "held" || state === "asking";
  return (
    <div class={`recorder ${state}`} role="group" aria-label={t("media.recording")} onKeyDown={onKey}>
      {!held && (
        <button type="button" class="icon-button recorder-drop" aria-label={t("media.recording.drop")} title={t("media.recording.drop")} onClick={() => recording.cancel()}>
          <Icon name="trash" />
        </button>
      )}
      <span class="recorder-light" aria-hidden="true" />
      <span class="recorder-time" role="timer">
        {clock(recording.duration)}
      </span>
      <Levels recording={recording} />
      {held && (
        <span class="recorder-hint" style={{ translate: `${-recording.slid.value / 3}px`, opacity: `${1 - recording.slid.value / 120}` }}>
          <Icon name="back" />
          {t(state === "asking" ? "media.mic.asking" : "media.slide")}
        </span>
      )}
      {state === "stopped" && <span class="recorder-hint">{t("media.recording.stopped")}</span>}
      {!held && (
        <button ref={send} type="button" class="send" aria-label={t("media.recording.send")} onClick={() => void recording.finish()}>
          <Icon name="send" />
        </button>
      )}
      {state === "held" && (
        <span class="recorder-lock" aria-hidden="true">
          <Icon name="lock" />
          <MediaIcon name="up" />
        </span>
      )}
    </div>
  );
}

/** The newest levels, as they come, from the end of the line. */
function Levels({ recording }: { recording: Recording }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const ticks = recording.ticks.value;
  useEffect(() => draw(canvas.current!, recording.levels), [ticks]);
  return <canvas ref={canvas} class="recorder-levels" aria-hidden="true" />;
}

function draw(canvas: HTMLCanvasElement, levels: readonly number[]): void {
  const { clientWidth: width, clientHeight: height } = canvas;
  const pen = canvas.getContext("2d")!;
  canvas.width = width * devicePixelRatio;
  canvas.height = height * devicePixelRatio;
  pen.scale(devicePixelRatio, devicePixelRatio);
  pen.strokeStyle = getComputedStyle(canvas).color;
  pen.lineWidth = 2.5;
  pen.lineCap = "round";
  const shown = levels.slice(-Math.floor(width / STEP_PX));
  for (const [at, level] of shown.entries()) {
    const x = width - (shown.length - at) * STEP_PX + STEP_PX / 2;
    const half = Math.max(0.5, (level * (height - 6)) / 2);
    pen.beginPath();
    pen.moveTo(x, height / 2 - half);
    pen.lineTo(x, height / 2 + half);
    pen.stroke();
  }
}
