/** Pictures and videos, large: one after the other with the arrows or a swipe, closer with the wheel or two fingers. */
import "./viewer_styles.js";
import { useSignal } from "@preact/signals";
import { useEffect, useLayoutEffect, useMemo, useRef } from "preact/hooks";
import type { Attachment, Message } from "@chatd/client";
import { thumbHashUrl } from "@chatd/client/media";
import { dateAndTime } from "../locale/dates.js";
import { number, t } from "../locale/locale.js";
import { announce } from "../shell/announcer.js";
import { closeDialog } from "../shell/dialog.js";
import { Icon } from "../shell/icons.js";
import { me } from "../shell/state.js";
import { userOf } from "../shell/users.js";
import type { Chat } from "../timeline/chat.js";
import { save } from "./file_row.js";
import { MediaIcon } from "./icons.js";
import { isVisual, kindOf } from "./kinds.js";
import { links, placeOf, useFile } from "./links.js";
import { stopPlaying } from "./player.js";
import { Zoom } from "./zoom.js";

interface Shown {
  readonly message: Message;
  readonly attachment: Attachment;
}

interface ViewerProps extends Shown {
  chat: Chat;
}

/** All pictures and videos of the chat that are loaded. */
function shownIn(chat: Chat): Shown[] {
  return chat.model.stretch.peek().messages.flatMap(({ seq }) => {
    const message = chat.model.message(seq);
    const attachments = message && !message.recalled ? (message.body?.attachments ?? []) : [];
    return attachments.filter(isVisual).map((attachment) => ({ message: message!, attachment }));
  });
}

export function Viewer({ chat, message, attachment }: ViewerProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const all = useMemo(() => {
    const found = shownIn(chat);
    return found.some((one) => one.message.key === message.key && one.attachment.url === attachment.url) ? found : [{ message, attachment }];
  }, []);
  const at = useSignal(Math.max(0, all.findIndex((one) => one.message.key === message.key && one.attachment.url === attachment.url)));
  const plain = useSignal(false);
  useLayoutEffect(() => {
    stopPlaying();
    const root = dialog.current!.getRootNode() as Document | ShadowRoot;
    const before = root.activeElement as HTMLElement | null;
    dialog.current!.showModal();
    dialog.current!.focus();
    return () => before?.focus({ preventScroll: true });
  }, []);
  const shown = all[at.value]!;
  const step = (by: number): boolean => {
    if (!all[at.peek() + by]) return false;
    at.value += by;
    const { alt, name } = all[at.peek()]!.attachment;
    announce([alt || name, t("media.count", { at: at.peek() + 1, count: all.length })].filter(Boolean).join(", "));
    return true;
  };
  const forward = () => (getComputedStyle(dialog.current!).direction === "rtl" ? -1 : 1);
  const onKey = (event: KeyboardEvent) => {
    event.stopPropagation();
    const moves: Record<string, number> = { ArrowRight: forward(), ArrowLeft: -forward(), PageDown: 1, PageUp: -1 };
    const by = moves[event.key];
    // In a video the arrows move through it.
    if (by && !(event.target as Element).closest("video")) event.preventDefault(), step(by);
  };
  return (
    <dialog
      ref={dialog}
      class={plain.value ? "viewer plain" : "viewer"}
      aria-label={t("media.viewer")}
      tabIndex={-1}
      onClose={closeDialog}
      onKeyDown={onKey}
    >
      <Head {...shown} at={at.value} count={all.length} />
      <Stage key={`${shown.message.key} ${shown.attachment.url}`} {...shown} step={(by) => step(by * forward())} tap={() => (plain.value = !plain.value)} />
      {all[at.value - 1] && (
        <button type="button" class="viewer-step back" aria-label={t("media.before")} onClick={() => step(-1)}>
          <Icon name="back" />
        </button>
      )}
      {all[at.value + 1] && (
        <button type="button" class="viewer-step next" aria-label={t("media.next")} onClick={() => step(1)}>
          <Icon name="forward" />
        </button>
      )}
      <Caption {...shown} />
    </dialog>
  );
}

function Head({ message, attachment, at, count }: Shown & { at: number; count: number }) {
  const name = message.user === me.value ? t("chat.you") : userOf(message.user).value.name;
  const place = placeOf(attachment, message.room, message.seq);
  const keep = () => void links().url(place).then(save, () => undefined);
  return (
    <header class="viewer-head">
      <div class="viewer-who">
        <bdi class="line">{name}</bdi>
        <time>{dateAndTime(message.time)}</time>
      </div>
      {count > 1 && <span class="viewer-count">{`${number(at + 1)} / ${number(count)}`}</span>}
      {message.seq > 0 && (
        <button type="button" class="icon-button" aria-label={t("media.save")} title={t("media.save")} onClick={keep}>
          <MediaIcon name="download" />
        </button>
      )}
      <button type="button" class="icon-button" aria-label={t("action.close")} title={t("action.close")} onClick={closeDialog}>
        <Icon name="close" />
      </button>
    </header>
  );
}

function Caption({ message, attachment }: Shown) {
  const text = [...new Set([message.text, attachment.alt ?? ""])].filter(Boolean);
  if (!text.length) return null;
  return (
    <div class="viewer-caption" dir="auto">
      {text.map((line) => (
        <p key={line}>{line}</p>
      ))}
    </div>
  );
}

/** One picture or video; the picture follows fingers, wheel and keys. */
function Stage({ message, attachment, step, tap }: Shown & { step: (by: number) => boolean; tap: () => void }) {
  const stage = useRef<HTMLDivElement>(null);
  const isVideo = kindOf(attachment) === "video";
  const place = message.seq ? placeOf(attachment, message.room, message.seq) : undefined;
  const { url, state, broken, again } = useFile(attachment, place);
  const loaded = useSignal(false);
  useEffect(() => {
    const zoom = new Zoom(stage.current!, { step, tap, close: closeDialog }, !isVideo);
    return () => zoom.close();
  }, []);
  const { width = 4, height = 3, preview } = attachment;
  const style = { "--width": `${width}`, "--height": `${height}` };
  const blur = preview && !loaded.value ? thumbHashUrl(preview) : "";
  return (
    <div class="viewer-stage" ref={stage}>
      <div class="viewer-frame" style={style}>
        {blur && <img class="viewer-blur" src={blur} alt="" draggable={false} />}
        {!isVideo && !loaded.value && <Medium message={message} attachment={attachment} />}
        {url && state === "there" && isVideo && (
          <video
            class="viewer-picture there"
            src={url}
            crossOrigin="anonymous"
            controls
            autoplay
            playsInline
            controlsList="nodownload"
            aria-label={attachment.alt || attachment.name || t("media.video")}
            onLoadedData={() => (loaded.value = true)}
            onError={broken}
          />
        )}
        {url && state === "there" && !isVideo && (
          <img
            class={loaded.value ? "viewer-picture there" : "viewer-picture"}
            src={url}
            crossOrigin="anonymous"
            alt={attachment.alt ?? ""}
            draggable={false}
            onLoad={() => (loaded.value = true)}
            onError={broken}
          />
        )}
      </div>
      {(state === "gone" || state === "failed") && (
        <div class="viewer-missing">
          <Icon name={state === "gone" ? "eye-off" : "offline"} />
          <p>{t(state === "gone" ? "media.gone" : isVideo ? "media.video.failed" : "media.failed")}</p>
          {state === "failed" && (
            <button type="button" class="button" onClick={again}>
              {t("action.retry")}
            </button>
          )}
        </div>
      )}
    </div>
  );
}

/** The smaller picture, which the message shows already, until the large one is there. */
function Medium({ message, attachment }: Shown) {
  const place = message.seq ? placeOf(attachment, message.room, message.seq, "m") : undefined;
  const { url } = useFile(attachment, place);
  return url && place?.size ? <img class="viewer-picture there" src={url} crossOrigin="anonymous" alt="" draggable={false} /> : null;
}
