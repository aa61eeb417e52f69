/** A picture or a video in a message: its box stands before it comes, with a blur of its colours. */
import { useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import type { Attachment, Message } from "@chatd/client";
import { thumbHashUrl } from "@chatd/client/media";
import { t } from "../locale/locale.js";
import { Icon } from "../shell/icons.js";
import { openViewer } from "./open_viewer.js";
import type { Chat } from "../timeline/chat.js";
import { MediaIcon } from "./icons.js";
import { clock, kindOf } from "./kinds.js";
import { localOf, placeOf, useFile } from "./links.js";
import { Transfer } from "./transfer.js";

interface TileProps {
  chat: Chat;
  message: Message;
  attachment: Attachment;
  style: Record<string, string | number>;
}

/** One picture or video; a press shows it large. */
export function Tile({ chat, message, attachment, style }: TileProps) {
  const isVideo = kindOf(attachment) === "video";
  const local = localOf(attachment);
  const label = attachment.alt || attachment.name || t(isVideo ? "media.video" : "chat.picture");
  return (
    <div class={isVideo ? "tile is-video" : "tile"} style={style}>
      <button type="button" class="tile-open" aria-label={label} onClick={() => openViewer(chat, message, attachment)}>
        <Blur preview={attachment.preview} />
        {isVideo && local ? <Clip address={local} /> : <Still message={message} attachment={attachment} />}
        {isVideo && (
          <>
            {message.seq > 0 && (
              <span class="tile-play">
                <MediaIcon name="play" />
              </span>
            )}
            {attachment.duration ? <span class="tile-time">{clock(attachment.duration)}</span> : null}
          </>
        )}
      </button>
      {!message.seq && <Transfer message={message} attachment={attachment} />}
    </div>
  );
}

/** A blur of the picture that is on its way. */
function Blur({ preview }: { preview: string | undefined }) {
  const address = useMemo(() => (preview ? thumbHashUrl(preview) : ""), [preview]);
  return address ? <img class="tile-blur" src={address} alt="" draggable={false} /> : null;
}

/** A video that this page has needs no poster. */
function Clip({ address }: { address: string }) {
  return <video class="tile-picture there" src={`${address}#t=0.1`} muted playsInline preload="metadata" tabIndex={-1} aria-hidden="true" />;
}

function Still({ message, attachment }: { message: Message; attachment: Attachment }) {
  const hasPoster = kindOf(attachment) !== "video" || attachment.sizes?.includes("m");
  const place = message.seq && hasPoster ? placeOf(attachment, message.room, message.seq, "m") : undefined;
  const { url, state, broken, again } = useFile(attachment, place);
  const shown = useSignal("");
  const undrawable = useSignal(false);
  if (!hasPoster) return null;
  if (state === "gone" || state === "failed") return <Missing isGone={state === "gone"} again={again} />;
  // A browser without HEIC shows what the server makes of it, once it is sent.
  if (!url || undrawable.value) return undrawable.value ? <MediaIcon name="file" /> : null;
  return (
    <img
      class={shown.value === url ? "tile-picture there" : "tile-picture"}
      src={url}
      crossOrigin="anonymous"
      alt={attachment.alt ?? ""}
      decoding="async"
      draggable={false}
      onLoad={() => (shown.value = url)}
      onError={() => (url.startsWith("blob:") ? (undrawable.value = true) : broken())}
    />
  );
}

/** In place of a picture that does not come. */
function Missing({ isGone, again }: { isGone: boolean; again: () => void }) {
  const retry = (event: Event) => {
    if (isGone) return;
    event.stopPropagation();
    again();
  };
  return (
    <span class="tile-missing" onClick={retry}>
      <Icon name={isGone ? "eye-off" : "refresh"} />
      <span>{t(isGone ? "media.gone" : "media.failed")}</span>
    </span>
  );
}
