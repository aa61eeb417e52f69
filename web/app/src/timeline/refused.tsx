/** Below an own message that was refused: why, and what can be done; or that it waits until its author may write. */
import type { Entry } from "@chatd/client";
import { restriction } from "../composer/restriction.js";
import { t } from "../locale/locale.js";
import { errorText } from "../shell/errors.js";
import { client } from "../shell/state.js";
import type { Chat } from "./chat.js";

/** The refusals that are about the two people, so that a reader is told of them. */
const REASONS: ReadonlySet<string> = new Set(["refused", "blocked", "request_pending"]);

export function Refused({ chat, id }: { chat: Chat; id: string }) {
  const entry = chat.model.entry(id);
  const isHeld = entry?.state === "queued" && restriction.value?.kind === "muted";
  if (!entry || !(isHeld || entry.state === "failed")) return null;
  const isRejected = !isHeld && entry.error?.code === "rejected";
  return (
    <div class="failed" role="group" aria-label={t("chat.failed")}>
      {isHeld && <p>{t("chat.held")}</p>}
      {isRejected && (
        <p>
          <strong>{t("chat.rejected")}</strong> {errorText(entry.error)}
        </p>
      )}
      {!isHeld && REASONS.has(entry.error?.code ?? "") && <p>{errorText(entry.error)}</p>}
      {!isHeld && <Again chat={chat} entry={entry} isRejected={isRejected} />}
      <button type="button" class="danger" onClick={() => void client().discard(id)}>
        {t("chat.discard")}
      </button>
    </div>
  );
}

/** A text that was rejected is changed before it is sent again. */
function Again({ chat, entry, isRejected }: { chat: Chat; entry: Entry; isRejected: boolean }) {
  const { text = "", attachments, data } = entry.packet.body;
  if (isRejected && text && !attachments && data === undefined)
    return (
      <button type="button" onClick={() => void chat.composer.takeBack(entry)}>
        {t("chat.again")}
      </button>
    );
  return (
    <button type="button" onClick={() => void client().resend(entry.key)}>
      {t("chat.resend")}
    </button>
  );
}
