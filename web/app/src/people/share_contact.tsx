/** The row that sends the card of a person to chats. */
import { t } from "../locale/locale.js";
import { Action } from "../shell/controls.js";
import { openDialog } from "../shell/dialog.js";
import { userOf } from "../shell/users.js";

export function ShareContact({ user }: { user: string }) {
  const share = () => {
    // What others call them: the own remark is nobody else's.
    const { realName } = userOf(user).peek();
    const body = { text: `${t("shared.contact")}: ${realName}`, card: { type: "contact", user, title: realName } };
    void openDialog(async () => (await import("../rooms/share_dialog.js")).ShareDialog, { title: t("share.contact"), body });
  };
  return <Action icon="share" label={t("share.contact")} onClick={share} />;
}
