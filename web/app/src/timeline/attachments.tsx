/** The attachments of a message: pictures that may be loaded in a box of their size, everything else as a row. */
import { useSignal } from "@preact/signals";
import type { Attachment } from "@chatd/client";
import { t } from "../locale/locale.js";
import { Icon } from "../shell/icons.js";
import { allowedPicture } from "../shell/pictures.js";

/** The largest box of a picture in CSS pixels, and the one of a picture that does not say its size. */
const MOST = { width: 320, height: 360 };
const UNKNOWN = { width: 240, height: 180 };
/** The smallest side, so that a strip of a picture can still be pressed. */
const LEAST = 80;

export function Attachments({ attachments }: { attachments: readonly Attachment[] }) {
  return (
    <div class="attachments">
      {attachments.map((attachment, at) =>
        isPicture(attachment) ? <Picture key={at} {...attachment} /> : <File key={at} {...attachment} />,
      )}
    </div>
  );
}

/** Whether an attachment is shown as a picture; where it may be loaded from, the policy of the page decides. */
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

function boxOf({ width = 0, height = 0 }: Attachment): { width: number; height: number } {
  if (!width || !height) return UNKNOWN;
  const scale = Math.min(1, MOST.width / width, MOST.height / height);
  const within = (side: number, most: number): number => Math.max(LEAST, Math.min(most, Math.round(side * scale)));
  return { width: within(width, MOST.width), height: within(height, MOST.height) };
}

function bytes(size: number): string {
  if (size < 1024) return t("chat.bytes", { size });
  if (size < 1024 * 1024) return t("chat.kilobytes", { size: Math.round(size / 1024) });
  return t("chat.megabytes", { size: Number((size / 1024 / 1024).toFixed(1)) });
}
