/** The button of what a message can have beside a text: files, a sticker, a place, the card of a person. */
import { useRef } from "preact/hooks";
import { t } from "../locale/locale.js";
import { mediaOffer } from "../shell/contacts.js";
import { openDialog } from "../shell/dialog.js";
import { Menu } from "../shell/menu.js";
import type { ComposerModel } from "./composer_model.js";

export function AddButton({ model }: { model: ComposerModel }) {
  const input = useRef<HTMLInputElement>(null);
  const chosen = () => {
    const files = [...(input.current!.files ?? [])];
    // So that the same file can be chosen again.
    input.current!.value = "";
    void model.addFiles(files);
  };
  const files = { icon: "picture", label: t("media.attach"), onSelect: () => input.current!.click() } as const;
  const sticker = { icon: "smile", label: t("shared.sticker"), onSelect: () => openStickers(model) } as const;
  const place = { icon: "place", label: t("shared.place"), onSelect: () => openPlace(model) } as const;
  const contact = { icon: "person", label: t("shared.contact"), onSelect: () => openContact(model) } as const;
  return (
    <span class="attach">
      <Menu label={t("add.beside")} icon="plus" items={mediaOffer.value ? [files, sticker, place, contact] : [place, contact]} />
      {mediaOffer.value && <input ref={input} type="file" multiple hidden aria-label={t("media.attach")} onChange={chosen} />}
    </span>
  );
}

/** Share a place; `address` is one that stands in the composer. */
export function openPlace(composer: ComposerModel, address = ""): void {
  void openDialog(async () => (await import("./place_dialog.js")).PlaceDialog, { composer, address });
}

function openStickers(composer: ComposerModel): void {
  void openDialog(async () => (await import("./sticker_dialog.js")).StickerDialog, { composer });
}

function openContact(composer: ComposerModel): void {
  void openDialog(async () => (await import("./contact_dialog.js")).ContactDialog, { composer });
}
