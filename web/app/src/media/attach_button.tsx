/** The button that chooses files. */
import { useRef } from "preact/hooks";
import { t } from "../locale/locale.js";
import { Icon } from "../shell/icons.js";
import type { ComposerModel } from "../composer/composer_model.js";

export function AttachButton({ model }: { model: ComposerModel }) {
  const input = useRef<HTMLInputElement>(null);
  const chosen = () => {
    const files = [...(input.current!.files ?? [])];
    // So that the same file can be chosen again.
    input.current!.value = "";
    void model.addFiles(files);
  };
  return (
    <>
      <button type="button" class="icon-button attach" aria-label={t("media.attach")} title={t("media.attach")} onClick={() => input.current!.click()}>
        <Icon name="attach" />
      </button>
      <input ref={input} type="file" multiple hidden aria-label={t("media.attach")} onChange={chosen} />
    </>
  );
}
