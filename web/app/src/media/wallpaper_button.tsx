/** The button that chooses an own picture to lie behind a chat. */
import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { fileOf, UploadRefused } from "@chatd/client/media";
import { t } from "../locale/locale.js";
import { notify } from "../shell/announcer.js";
import { errorText } from "../shell/errors.js";
import { Icon } from "../shell/icons.js";
import { showOwn } from "./own_wallpaper.js";

export function WallpaperButton({ onDone }: { onDone: (address: string) => Promise<unknown> }) {
  const input = useRef<HTMLInputElement>(null);
  const busy = useSignal(false);
  const chosen = async () => {
    const [file] = input.current!.files ?? [];
    input.current!.value = "";
    if (!file) return;
    busy.value = true;
    try {
      const { media } = await import("./uploads.js");
      const address = await media().upload(file, { purpose: "wallpaper" });
      showOwn(fileOf(address), file);
      await onDone(address);
    } catch (error) {
      const isQuota = error instanceof UploadRefused && error.code === "quota";
      notify(isQuota ? t("media.refused.quota") : error instanceof UploadRefused ? t("media.crop.unreadable") : errorText(error));
    } finally {
      busy.value = false;
    }
  };
  const label = t("media.wallpaper.choose");
  return (
    <>
      <button type="button" class="swatch" aria-label={label} title={label} disabled={busy.value} onClick={() => input.current!.click()}>
        <span>
          <Icon name={busy.value ? "clock" : "picture"} />
        </span>
      </button>
      <input ref={input} type="file" accept="image/*" hidden aria-label={label} onChange={() => void chosen()} />
    </>
  );
}
