/** Files that are dragged over a chat: where they may be dropped. */
import { signal } from "@preact/signals";
import { t } from "../locale/locale.js";
import { mediaOffer } from "../shell/contacts.js";
import type { Chat } from "../timeline/chat.js";
import { Icon } from "../shell/icons.js";

/** How deep the pointer is in the elements of the chat: it enters the next before it leaves the last. */
const depth = signal(0);

const hasFiles = (event: DragEvent): boolean => event.dataTransfer?.types.includes("Files") ?? false;

/** The listeners of the element that takes files. */
export function dropEvents(chat: Chat) {
  const takes = (event: DragEvent): boolean => hasFiles(event) && !!mediaOffer.peek() && !chat.state.summary.peek().request;
  return {
    onDragEnter: (event: DragEvent) => {
      if (takes(event)) depth.value += 1;
    },
    onDragLeave: (event: DragEvent) => {
      if (takes(event)) depth.value = Math.max(0, depth.peek() - 1);
    },
    onDragOver: (event: DragEvent) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      event.dataTransfer!.dropEffect = takes(event) ? "copy" : "none";
    },
    onDrop: (event: DragEvent) => {
      if (!hasFiles(event)) return;
      // Else the browser would leave the page for the file.
      event.preventDefault();
      depth.value = 0;
      if (takes(event)) void chat.composer.addFiles([...event.dataTransfer!.files]);
    },
  };
}

export function DropZone() {
  if (!depth.value) return null;
  return (
    <div class="drop-zone" aria-hidden="true">
      <div>
        <Icon name="attach" />
        <strong>{t("media.drop")}</strong>
        <span>{t("media.drop.hint")}</span>
      </div>
    </div>
  );
}
