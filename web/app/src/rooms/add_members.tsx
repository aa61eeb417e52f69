/** The dialog that adds members to a group. */
import "../style/pages.js";
import { useSignal } from "@preact/signals";
import { t } from "../locale/locale.js";
import { tellNotAdded } from "../people/not_added.js";
import { Chosen, Picker } from "../people/picker.js";
import { closeDialog, Dialog } from "../shell/dialog.js";
import { notify } from "../shell/announcer.js";
import { attempt } from "../shell/errors.js";
import type { RoomState } from "../shell/state.js";
import { userOf } from "../shell/users.js";

/** Those who were not added, and those who are asked whether they agree. */
interface Answer {
  not_added?: string[];
  offered?: string[];
}

export function AddMembers({ room }: { room: RoomState }) {
  const search = useSignal("");
  const users = useSignal<readonly string[]>([]);
  const add = async () => {
    if (!users.value.length) return;
    closeDialog();
    const ack = await attempt(() => room.room.mutate("members.add", { users: users.value }));
    const { not_added = [], offered = [] } = (ack ?? {}) as Answer;
    if (not_added.length) tellNotAdded(not_added);
    else if (offered.length) notify(t("group.offered", { names: offered.map((user) => userOf(user).peek().name).join(t("names.separator")) }));
  };
  const actions = (
    <button type="submit" class="button primary" disabled={!users.value.length}>
      {t("group.add.action", { count: users.value.length })}
    </button>
  );
  return (
    <Dialog title={t("group.add")} actions={actions} onSubmit={() => void add()}>
      <Chosen users={users.value} onRemove={(user) => (users.value = users.value.filter((other) => other !== user))} />
      <Picker icon="plus" search={search} without={users.value} onPick={(user) => (users.value = [...users.value, user])} />
    </Dialog>
  );
}
