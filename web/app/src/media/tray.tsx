/** Above the text: the files that will be sent with it, what is said of each for those who do not see it, and how they go. */
import { useComputed } from "@preact/signals";
import { t } from "../locale/locale.js";
import { openDialog } from "../shell/dialog.js";
import { Icon } from "../shell/icons.js";
import type { ComposerModel } from "../composer/composer_model.js";
import { bytes, clock } from "./kinds.js";
import { MediaIcon } from "./icons.js";
import type { Staged } from "./staged.js";

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
  const describe = () => void openDialog(async () => (await import("./describe_dialog.js")).DescribeFile, { model, file });
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
