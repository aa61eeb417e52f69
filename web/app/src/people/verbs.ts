/** The requests that change how the user stands with others. A failure is shown as a notice; the rows of the account
 * bring what became of it. */
import type { ContactChange } from "@chatd/client/people";
import { t } from "../locale/locale.js";
import { notify } from "../shell/announcer.js";
import { confirm } from "../shell/dialog.js";
import { attempt } from "../shell/errors.js";
import { client } from "../shell/state.js";
import { userOf } from "../shell/users.js";

/** Ask a user to be friends; of two who ask each other, both are at once. */
export async function requestFriend(user: string, note: string, via: string): Promise<void> {
  const wish = { ...(note && { note }), ...(via && { via }) };
  const contact = await attempt(() => client().requestFriend(user, wish));
  const { name } = userOf(user).peek();
  if (contact) notify(t(contact.state === "friend" ? "people.accepted" : "people.ask.done", { name }));
}

/** Accept a friend request. */
export async function acceptFriend(user: string): Promise<void> {
  const done = await attempt(() => client().acceptFriend(user));
  if (done) notify(t("people.accepted", { name: userOf(user).peek().name }));
}

/** Decline a friend request, which its sender is not told. */
export async function declineFriend(user: string): Promise<void> {
  if (await attempt(() => client().declineFriend(user))) notify(t("people.declined"));
}

export const cancelRequest = (user: string) => attempt(() => client().cancelFriend(user));
export const setContact = (user: string, wish: ContactChange) => attempt(() => client().setContact(user, wish));

/** End a friendship, once that is confirmed. */
export function askToRemove(user: string): void {
  const { name } = userOf(user).peek();
  confirm({
    title: t("people.remove.title", { name }),
    text: t("people.remove.text"),
    action: t("people.remove.action"),
    onConfirm: () => void attempt(() => client().removeFriend(user)),
  });
}

/** Block a user, once that is confirmed; `carryOut` does it, and is false when that failed. */
export function askToBlock(
  user: string,
  carryOut: () => Promise<unknown> = () => setContact(user, { blocked: true }),
): void {
  const { name } = userOf(user).peek();
  const block = async () => void ((await carryOut()) && notify(t("people.blocked.done", { name })));
  confirm({
    title: t("people.block.title", { name }),
    text: t("people.block.text"),
    action: t("people.block"),
    onConfirm: () => void block(),
  });
}

export const unblock = (user: string) => setContact(user, { blocked: false });
