/** A file in a message: its name, its size, and a press to save it. */
import type { Attachment, Message } from "@chatd/client";
import { t } from "../locale/locale.js";
import { notify } from "../shell/announcer.js";
import { bytes } from "./kinds.js";
import { links, localOf, placeOf, useFile } from "./links.js";
import { MediaIcon } from "./icons.js";
import { Ring, sizeText, useTransfer } from "./transfer.js";

/** Letters of a suffix that is shown on the icon. */
const SUFFIX = /\.([a-z0-9]{1,4})$/i;

export function FileRow({ message, attachment }: { message: Message; attachment: Attachment }) {
  const { name = "", size = 0 } = attachment;
  const transfer = useTransfer({ message, attachment });
  const place = message.seq ? placeOf(attachment, message.room, message.seq) : undefined;
  const { url, state } = useFile(attachment, place);
  const suffix = SUFFIX.exec(name)?.[1]?.toLocaleUpperCase();
  const detail = transfer ? sizeText(transfer.sent, size) : state === "gone" ? t("media.gone") : [size ? bytes(size) : "", suffix].filter(Boolean).join(" · ");
  const inside = (
    <span class="file-text">
      <bdi class="line file-name">{name || t("chat.file")}</bdi>
      <span class="quiet small line">
        <bdi>{detail}</bdi>
      </span>
    </span>
  );
  const icon = (
    <span class="file-icon">
      <MediaIcon name={state === "gone" ? "file" : "download"} />
    </span>
  );
  if (transfer)
    return (
      <div class="file">
        <Ring {...transfer} id={message.key} />
        {inside}
      </div>
    );
  if (!place || state === "gone") return <span class="file">{icon}{inside}</span>;
  const local = localOf(attachment);
  // A link that ended meanwhile is asked for anew before the press leads anywhere.
  const press = (event: MouseEvent) => {
    if (local || links().peek(place)) return;
    event.preventDefault();
    links()
      .url(place)
      .then(save, () => notify(t("media.failed")));
  };
  const saved = local ? { download: name || "file" } : { target: "_blank", rel: "noopener noreferrer" };
  return (
    <a class="file" href={url ?? "#"} {...saved} onClick={press}>
      {icon}
      {inside}
    </a>
  );
}

/** Have the browser save what is at an address: the server says that it is a download. */
export function save(address: string): void {
  const link = Object.assign(document.createElement("a"), { href: address, target: "_blank", rel: "noopener noreferrer" });
  link.click();
}
