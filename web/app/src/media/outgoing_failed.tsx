/** Below an own message whose file the server does not take: why, and what can be done. */
import { useComputed } from "@preact/signals";
import { t } from "../locale/locale.js";
import { attempt } from "../shell/errors.js";
import { mediaOffer } from "../shell/contacts.js";
import { bytes } from "./kinds.js";
import { outgoing, withOutgoing } from "./outgoing.js";

/** The refusals that do not hold for a file that is sent as it is. */
const AS_FILE: ReadonlySet<string> = new Set(["unreadable", "not_supported"]);
const REASONS = ["too_large", "unreadable", "not_supported", "rejected", "forbidden"] as const;

export function OutgoingFailed({ id }: { id: string }) {
  const found = useComputed(() => outgoing.value.get(id)).value;
  if (!found) return null;
  const { failed, files, state } = found;
  const deed = (what: Parameters<typeof withOutgoing>[0]) => () => void attempt(() => withOutgoing(what, id));
  if (state !== "failed" && state !== "paused") return null;
  const { kind = "file", name = "" } = files.find(({ key }) => key === failed?.file) ?? {};
  const mayBeFile = failed && AS_FILE.has(failed.code) && kind !== "file" && kind !== "voice";
  return (
    <div class="failed" role="group" aria-label={t("chat.failed")}>
      <p>{failed ? textOf(failed, name, kind) : t("media.paused")}</p>
      {mayBeFile ? (
        <button type="button" onClick={deed("sendAsFiles")}>
          {t("media.send-as-is")}
        </button>
      ) : (
        <button type="button" onClick={deed("resume")}>
          {t(failed ? "action.retry" : "media.resume")}
        </button>
      )}
      <button type="button" class="danger" onClick={deed("discard")}>
        {t("chat.discard")}
      </button>
    </div>
  );
}

function textOf({ code, scope }: { code: string; scope: string }, name: string, kind: string): string {
  if (kind === "voice" && AS_FILE.has(code)) return t("media.refused.voice");
  const size = bytes(mediaOffer.value?.file_bytes ?? 0);
  if (code === "quota") return t(scope === "room" ? "media.refused.quota.room" : "media.refused.quota");
  const reason = REASONS.find((one) => one === code);
  return reason ? t(`media.refused.${reason}`, { name, size }) : t("media.refused");
}
