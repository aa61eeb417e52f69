/** The row that sends the card of a person to chats. */
import type { Body } from "@chatd/client";
import { t } from "../locale/locale.js";
import { Action } from "../shell/controls.js";
import { openDialog } from "../shell/dialog.js";
import { userOf } from "../shell/users.js";

/** The card of a person, with a text for those who do not know its type. */
export function bodyOfContact(user: string): Body {
  // What others call them: the own remark is nobody else's.
  const { realName } = userOf(user).peek();
  return { text: `${t("shared.contact")}: ${realName}`, card: { type: "contact", user, title: realName } };
}

export function ShareContact({ user }: { user: string }) {
  const share = () => {
    const body = bodyOfContact(user);
    void openDialog(async () => (await import("../rooms/share_dialog.js")).ShareDialog, { title: t("share.contact"), body });
  };
  return <Action icon="share" label={t("share.contact")} onClick={share} />;
}
