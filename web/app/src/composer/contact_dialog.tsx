/** The dialog that sends the card of a person into the chat. */
import "../style/pages.js";
import { useSignal } from "@preact/signals";
import { Picker } from "../people/picker.js";
import { bodyOfContact } from "../people/share_contact.js";
import { t } from "../locale/locale.js";
import { closeDialog, Dialog } from "../shell/dialog.js";
import type { ComposerModel } from "./composer_model.js";

export function ContactDialog({ composer }: { composer: ComposerModel }) {
  const search = useSignal("");
  const pick = (user: string) => {
    closeDialog();
    void composer.sendCard(bodyOfContact(user));
  };
  return (
    <Dialog title={t("share.contact")}>
      <Picker icon="send" search={search} without={[composer.state.summary.value.peer]} onPick={pick} />
    </Dialog>
  );
}
