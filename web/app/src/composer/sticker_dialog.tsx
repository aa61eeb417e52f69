/** The dialog that sends a sticker of the host app into the chat. */
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { stickers } from "@chatd/client/media";
import { t } from "../locale/locale.js";
import { Action } from "../shell/controls.js";
import { closeDialog, Dialog } from "../shell/dialog.js";
import { attempt } from "../shell/errors.js";
import { allowedPicture } from "../shell/pictures.js";
import { client } from "../shell/state.js";
import { adopt } from "../shell/styles.js";
import type { ComposerModel } from "./composer_model.js";
import css from "./sticker_dialog.css?text";

adopt(css);

type Found = Awaited<ReturnType<typeof stickers>>;

export function StickerDialog({ composer }: { composer: ComposerModel }) {
  const found = useSignal<Found>();
  const next = async (before?: Found) => {
    const page = await attempt(() => stickers(client(), before?.more ? { more: before.more } : {}));
    if (page) found.value = { ...page, stickers: [...(before?.stickers ?? []), ...page.stickers] };
  };
  useEffect(() => void next(), []);
  const send = (name: string, image: string, { naturalWidth: width, naturalHeight: height }: HTMLImageElement) => {
    closeDialog();
    // A picture that is not here yet has no pixels.
    const size = width && height ? { width, height } : {};
    void composer.sendCard({ text: `[${t("shared.sticker")}]`, card: { type: "sticker", ref: name, image, ...size } });
  };
  const shown = found.value;
  return (
    <Dialog title={t("stickers.title")}>
      {shown && !shown.stickers.length && <p class="quiet">{t("stickers.none")}</p>}
      <div class="stickers">
        {shown?.stickers.map(({ name, file }) => (
          <button
            key={name}
            type="button"
            aria-label={name}
            title={name}
            onClick={(event) => send(name, `media:${file}`, event.currentTarget.querySelector("img")!)}
          >
            <img src={allowedPicture(`media:${file}`)} alt="" loading="lazy" decoding="async" draggable={false} />
          </button>
        ))}
      </div>
      {shown?.more && <Action icon="more" label={t("people.more")} onClick={() => void next(shown)} />}
    </Dialog>
  );
}
