/** The text that mentions a user. */
import { t } from "../locale/locale.js";
import { userOf } from "../shell/users.js";

/** Return it; `*` is everybody. */
export const mentionOf = (user: string): string => `@${user === "*" ? t("chat.everybody") : userOf(user).peek().realName}`;
