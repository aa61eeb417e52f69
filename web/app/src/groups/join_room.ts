/** The way into a room by its id. */
import { join } from "@chatd/client/conversations";
import { loadMore } from "../shell/more.js";
import { t } from "../locale/locale.js";
import { notify } from "../shell/announcer.js";
import { attempt } from "../shell/errors.js";
import { client } from "../shell/state.js";

/** Enter a room, or ask its admins where they decide. */
export async function joinRoom(id: string): Promise<void> {
  const [entry] = await Promise.all([attempt(() => join(client(), id)), loadMore()]);
  if (entry?.requested) notify(t("invite.waits"));
}
