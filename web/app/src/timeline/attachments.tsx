/** The attachments of a message: albums of pictures and videos, voice messages, stickers and files of the server; of other
 * places pictures that may be loaded, and everything else as a row. */
import { useSignal } from "@preact/signals";
import type { Attachment, Message } from "@chatd/client";
import { t } from "../locale/locale.js";
import { FileRow } from "../media/file_row.js";
import { albumRows, boxOf, bytes, isOfServer, isVisual, kindOf } from "../media/kinds.js";
import { Tile } from "../media/tile.js";
import { Voice } from "../media/voice.js";
import { Icon } from "../shell/icons.js";
import { allowedPicture } from "../shell/pictures.js";
import type { Chat } from "./chat.js";

interface AttachmentsProps {
  chat: Chat;
  message: Message;
  attachments: readonly Attachment[];
}

export function Attachments({ chat, message, attachments }: AttachmentsProps) {
  return (
    <div class="attachments">
      {groupsOf(attachments).map((group, at) => {
        const [first] = group as [Attachment];
        if (isVisual(first)) return <Album key={at} chat={chat} message={message} attachments={group} />;
        if (!isOfServer(first)) return isPicture(first) ? <Picture key={at} {...first} /> : <File key={at} {...first} />;
        if (kindOf(first) === "voice") return <Voice key={at} chat={chat} message={message} attachment={first} />;
        return <FileRow key={at} message={message} attachment={first} />;
      })}
    </div>
  );
}

/** Put pictures that follow each other into one group; anything else stands alone. */
function groupsOf(attachments: readonly Attachment[]): Attachment[][] {
  const groups: Attachment[][] = [];
  for (const attachment of attachments) {
    const last = groups.at(-1);
    if (last && isVisual(last[0]!) && isVisual(attachment)) last.push(attachment);
    else groups.push([attachment]);
  }
  return groups;
}

/** Pictures and videos: one in its own shape, several in rows. */
function Album({ chat, message, attachments }: AttachmentsProps) {
  const [only] = attachments as [Attachment];
  if (attachments.length === 1) {
    const { width, height } = boxOf(only);
    const style = { inlineSize: `${width}px`, aspectRatio: `${width} / ${height}` };
    const isSticker = kindOf(only) === "sticker";
    return (
      <div class={isSticker ? "album sticker" : "album"}>
        <Tile chat={chat} message={message} attachment={only} style={style} />
      </div>
    );
  }
  return (
    <div class="album several">
      {albumRows(attachments).map((row, line) => {
        const all = row.reduce((sum, { shape }) => sum + shape, 0);
        return (
          <div key={line} class="album-row" style={{ aspectRatio: `${Math.max(1, Math.min(3.2, all))}` }}>
            {row.map(({ item, shape }, at) => (
              <Tile key={at} chat={chat} message={message} attachment={item} style={{ flexGrow: shape / all }} />
            ))}
          </div>
        );
      })}
    </div>
  );
}

/** Whether an attachment of another place is shown as a picture. */
export function isPicture({ mime, url }: Attachment): boolean {
  return /^image\/(png|jpeg|gif|webp|avif)$/i.test(mime) && allowedPicture(url) !== "";
}

function Picture(attachment: Attachment) {
  const failed = useSignal(false);
  const { url, name } = attachment;
  const box = boxOf(attachment);
  // The box stays when the picture does not come, so nothing moves.
  return (
    <a
      class="picture"
      href={allowedPicture(url)}
      target="_blank"
      rel="noopener noreferrer nofollow"
      aria-label={name || t("chat.picture")}
      style={{ inlineSize: `${box.width}px`, aspectRatio: `${box.width} / ${box.height}` }}
    >
      {failed.value ? (
        <Icon name="attach" />
      ) : (
        <img src={allowedPicture(url)} alt={name ?? ""} decoding="async" draggable={false} onError={() => (failed.value = true)} />
      )}
    </a>
  );
}

function File({ url, mime, name, size }: Attachment) {
  const inside = (
    <>
      <span class="file-icon">
        <Icon name="attach" />
      </span>
      <span class="file-text">
        <bdi class="line">{name || t("chat.file")}</bdi>
        <span class="quiet small line">{[size ? bytes(size) : "", mime].filter(Boolean).join(" · ")}</span>
      </span>
    </>
  );
  const address = allowedAddress(url);
  if (!address) return <span class="file">{inside}</span>;
  return (
    <a class="file" href={address} target="_blank" rel="noopener noreferrer nofollow">
      {inside}
    </a>
  );
}

/** Return the address if it is one of http or https, else an empty text: a key of the host app leads nowhere here. */
function allowedAddress(url: string): string {
  return /^https?:\/\//i.test(url) && URL.canParse(url) ? new URL(url).href : "";
}
