/** How far a file on its way is, on the file: a ring that fills, and what one can do about it. */
import { useComputed } from "@preact/signals";
import type { Attachment, Message } from "@chatd/client";
import { t } from "../locale/locale.js";
import { attempt } from "../shell/errors.js";
import { Icon } from "../shell/icons.js";
import { bytes } from "./kinds.js";
import { localKey } from "./local_files.js";
import { MediaIcon } from "./icons.js";
import { outgoing, withOutgoing } from "./outgoing.js";

/** The way around the ring. */
const AROUND = 2 * Math.PI * 20;

interface TransferProps {
  message: Message;
  attachment: Attachment;
}

/** The part of a file that the server has, 0 to 1, and its message's state; undefined when it is not on its way. */
export function useTransfer({ message, attachment }: TransferProps) {
  const file = localKey(attachment.url);
  return useComputed(() => {
    const found = outgoing.value.get(message.key);
    if (!found || !file) return undefined;
    const sent = found.sent.get(file) ?? 0;
    const size = Math.max(1, attachment.size ?? 1);
    return { state: found.state, sent, part: Math.min(1, sent / size), isBad: found.failed?.file === file };
  }).value;
}

/** The ring on a picture; a press stops the upload, and goes on with it. */
export function Transfer(props: TransferProps) {
  const now = useTransfer(props);
  if (!now) return null;
  return (
    <>
      <Ring {...now} id={props.message.key} />
      <span class="transfer-size">{sizeText(now.sent, props.attachment.size ?? 0)}</span>
    </>
  );
}

type Shown = NonNullable<ReturnType<typeof useTransfer>> & { id: string };

/** The button with the ring around it. */
export function Ring({ state, part, id, isBad }: Shown) {
  const goes = state === "uploading" || state === "waiting";
  const press = () => void attempt(() => withOutgoing(goes ? "pause" : "resume", id));
  const label = t(goes ? "media.pause" : "media.resume");
  const done = part === 1 && goes;
  return (
    <button type="button" class={`ring is-${state}${done ? " done" : ""}${isBad ? " bad" : ""}`} aria-label={label} title={label} onClick={press}>
      <svg viewBox="0 0 44 44" aria-hidden="true">
        <circle class="ring-way" cx="22" cy="22" r="20" />
        <circle class="ring-part" cx="22" cy="22" r="20" stroke-dasharray={`${Math.max(0.02, part) * AROUND} ${AROUND}`} />
      </svg>
      {state === "failed" ? <Icon name="alert" /> : <MediaIcon name={goes ? "pause" : "up"} />}
    </button>
  );
}

/** How much of how much. */
export function sizeText(sent: number, size: number): string {
  return sent && sent < size ? t("media.part", { sent: bytes(sent), size: bytes(size) }) : bytes(size);
}
