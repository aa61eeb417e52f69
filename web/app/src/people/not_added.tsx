/** Who of those one wanted in a group was not added: a dialog, since names take a while to read. */
import { t } from "../locale/locale.js";
import { tell } from "../shell/dialog.js";
import { userOf } from "../shell/users.js";

export function tellNotAdded(users: readonly string[]): void {
  const names = users.map((user) => userOf(user).peek().name).join(t("names.separator"));
  tell({ title: t("notadded.title"), text: t("notadded.text", { names, count: users.length }) });
}
