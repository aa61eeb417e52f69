/** What this browser stores, whether it may throw it away, and the way to clear it. */
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { ownFiles } from "@chatd/client/media";
import { t } from "../locale/locale.js";
import { bytes } from "../media/kinds.js";
import { mediaOffer } from "../shell/contacts.js";
import { Action, Card } from "../shell/controls.js";
import { notify } from "../shell/announcer.js";
import { confirm } from "../shell/dialog.js";
import { attempt } from "../shell/errors.js";
import { Icon } from "../shell/icons.js";
import { clearStored } from "../shell/session.js";
import { client, phase, waiting } from "../shell/state.js";
import { canProve, proofs, prove } from "../unread/proof.js";

const MEBIBYTE = 1_048_576;

/** The bytes of the own files that the server keeps, and how many it may. */
function OwnFiles() {
  const found = useSignal<{ used: number; quota: number } | null>(null);
  const ready = phase.value === "ready";
  useEffect(() => {
    if (!ready) return;
    ownFiles(client(), { limit: 1 }).then(
      (page) => (found.value = page),
      () => undefined,
    );
  }, [ready]);
  if (!found.value) return null;
  const { used, quota } = found.value;
  const text = quota ? t("media.used", { used: bytes(used), quota: bytes(quota) }) : t("media.used.all", { used: bytes(used) });
  return (
    <div class="setting">
      <Icon name="picture" />
      <span class="setting-text">
        <span>{text}</span>
        {quota > 0 && <progress class="quota" max={quota} value={used} aria-label={text} />}
        <span class="small quiet">{t("media.used.hint")}</span>
      </span>
    </div>
  );
}

/** Whether the list of chats is that of the server, and how often it was not. */
function Proof() {
  const { asked, unequal } = proofs();
  const compare = async () => notify(t((await prove()) ? "proof.equal" : "proof.unequal"));
  const hint = asked ? t("proof.hint", { count: asked, unequal }) : t("proof.hint.none");
  return <Action icon="refresh" label={t("proof.action")} hint={hint} onClick={() => void attempt(compare)} />;
}

export function Storage() {
  const used = useSignal<string | null>(null);
  const kept = useSignal(false);
  useEffect(() => {
    const storage = navigator.storage as StorageManager | undefined;
    void storage?.estimate().then(({ usage = 0 }) => (used.value = (usage / MEBIBYTE).toFixed(1)));
    void storage?.persisted().then((persisted) => (kept.value = persisted));
  }, []);
  const clear = () =>
    confirm({
      title: t("storage.clear"),
      text: waiting.peek() ? t("storage.clear.waiting", { count: waiting.peek() }) : t("storage.clear.text"),
      action: t("storage.clear.action"),
      onConfirm: () => void clearStored(),
    });
  return (
    <Card title={t("storage.title")}>
      {used.value !== null && (
        <div class="setting">
          <Icon name="storage" />
          <span class="setting-text">
            <span>{t("storage.used", { size: used.value })}</span>
            <span class="small quiet">{t(kept.value ? "storage.kept" : "storage.evictable")}</span>
          </span>
        </div>
      )}
      {mediaOffer.value && <OwnFiles />}
      {canProve() && <Proof />}
      <Action icon="trash" label={t("storage.clear")} hint={t("storage.clear.hint")} onClick={clear} />
    </Card>
  );
}
