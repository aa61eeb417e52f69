/** Above the text: the files that will be sent with it, what is said of each for those who do not see it, and how they go. */
import { useComputed } from "@preact/signals";
import { t } from "../locale/locale.js";
import { closeDialog, Dialog, openDialog } from "../shell/dialog.js";
import { Icon } from "../shell/icons.js";
import type { ComposerModel } from "../composer/composer_model.js";
import { useSignal } from "@preact/signals";
import { bytes, clock } from "./kinds.js";
import { MediaIcon } from "./icons.js";
import type { Staged } from "./staged.js";

/** Most characters of an alternative text (protocol.md, "Attachment"). */
const ALT_MAX = 1000;

export function Tray({ model }: { model: ComposerModel }) {
  const files = model.files.value;
  const hasPictures = useComputed(() => model.files.value.some(({ kind }) => kind === "picture" || kind === "video")).value;
  const total = files.reduce((sum, { blob }) => sum + blob.size, 0);
  return (
    <section class="tray" aria-label={t("media.chosen", { count: files.length })}>
      <ul class="tray-files">
        {files.map((file) => (
          <li key={file.id}>
            <Chosen model={model} file={file} />
          </li>
        ))}
      </ul>
      <div class="tray-foot">
        <span class="quiet small">{t("media.total", { count: files.length, size: bytes(total) })}</span>
        {hasPictures && (
          <label class="tray-as-is">
            <input type="checkbox" checked={model.asIs.value} onChange={(event) => (model.asIs.value = event.currentTarget.checked)} />
            <span>{t("media.as-is")}</span>
          </label>
        )}
      </div>
      {model.asIs.value && hasPictures && <p class="small quiet tray-note">{t("media.as-is.note")}</p>}
    </section>
  );
}

function Chosen({ model, file }: { model: ComposerModel; file: Staged }) {
  const { kind, name, alt, address, duration, isBlind } = file;
  const remove = () => model.removeFile(file.id);
  const describe = () => void openDialog(async () => DescribeDialog, { model, file });
  return (
    <div class={kind === "file" || isBlind ? "chosen is-file" : "chosen"} title={name}>
      {kind === "picture" && !isBlind && <img src={address} alt={alt || name} draggable={false} />}
      {kind === "video" && <video src={`${address}#t=0.1`} muted playsInline preload="metadata" aria-label={alt || name} />}
      {(kind === "file" || isBlind) && (
        <>
          <MediaIcon name="file" />
          <bdi class="chosen-name">{name}</bdi>
        </>
      )}
      {duration ? <span class="tile-time">{clock(duration)}</span> : null}
      {kind !== "file" && (
        <button type="button" class={alt ? "chosen-alt set" : "chosen-alt"} aria-label={t("media.describe", { name })} title={t("media.describe.title")} onClick={describe}>
          {alt ? <Icon name="check" /> : null}
          {t("media.alt")}
        </button>
      )}
      <button type="button" class="chosen-remove" aria-label={t("media.remove", { name })} title={t("media.remove.title")} onClick={remove}>
        <Icon name="close" />
      </button>
    </div>
  );
}

/** The dialog for the alternative text of a picture. */
function DescribeDialog({ model, file }: { model: ComposerModel; file: Staged }) {
  const text = useSignal(file.alt);
  const save = () => {
    model.describeFile(file.id, text.value.trim());
    closeDialog();
  };
  const actions = (
    <button type="submit" class="button primary">
      {t("action.save")}
    </button>
  );
  return (
    <Dialog title={t("media.describe.title")} actions={actions} onSubmit={save}>
      {file.kind === "picture" && !file.isBlind && <img class="describe-picture" src={file.address} alt="" />}
      <label class="labelled">
        <span>{t("media.describe.label")}</span>
        <textarea
          class="field"
          rows={3}
          dir="auto"
          autoFocus
          maxLength={ALT_MAX}
          value={text.value}
          onInput={(event) => (text.value = event.currentTarget.value)}
        />
      </label>
      <p class="small quiet">{t("media.describe.why")}</p>
    </Dialog>
  );
}
