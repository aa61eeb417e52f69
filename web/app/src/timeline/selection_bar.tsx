/** In place of the composer while messages are chosen: how many, and what is done with them. */
import { useEffect, useRef } from "preact/hooks";
import { t } from "../locale/locale.js";
import { Icon } from "../shell/icons.js";
import type { Chat } from "./chat.js";
import { openForward } from "./menu.js";

export function SelectionBar({ chat }: { chat: Chat }) {
  const seqs = [...(chat.selected.value ?? [])].sort((one, other) => one - other);
  const cancel = useRef<HTMLButtonElement>(null);
  useEffect(() => cancel.current!.focus({ preventScroll: true }), []);
  return (
    <div class="selection-bar" role="toolbar" aria-label={t("forward.select")}>
      <button ref={cancel} type="button" class="icon-button" aria-label={t("forward.cancel")} title={t("forward.cancel")} onClick={() => chat.select(null)}>
        <Icon name="close" />
      </button>
      <span class="selection-count" role="status">
        {t("forward.selected", { count: seqs.length })}
      </span>
      <button type="button" class="button primary" disabled={!seqs.length} onClick={() => openForward(chat, seqs)}>
        <Icon name="share" />
        {t("forward.action")}
      </button>
    </div>
  );
}
