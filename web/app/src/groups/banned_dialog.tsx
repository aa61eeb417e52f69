/** The dialog of those who are banned from a group. */
import "./group_styles.js";
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { unban } from "@chatd/client/conversations";
import { t } from "../locale/locale.js";
import { Avatar } from "../shell/avatar.js";
import { Dialog } from "../shell/dialog.js";
import { attempt, errorText } from "../shell/errors.js";
import { keepFocus } from "../shell/keep_focus.js";
import type { RoomState } from "../shell/state.js";
import { userOf } from "../shell/users.js";

export function BannedDialog({ room }: { room: RoomState }) {
  const users = useSignal<readonly string[] | undefined>(undefined);
  const problem = useSignal("");
  useEffect(() => {
    void (async () => {
      const found: string[] = [];
      try {
        for await (const { user } of room.room.members({ role: "banned" })) found.push(user);
        users.value = found;
      } catch (error) {
        problem.value = errorText(error);
      }
    })();
  }, [room]);
  const admit = async (user: string) => {
    const done = await attempt(async () => (await unban(room.room, [user]), true));
    if (done) users.value = users.value?.filter((other) => other !== user);
  };
  return (
    <Dialog title={t("banned.title")}>
      <p class="quiet small">{t("banned.text")}</p>
      <p class="problem" role="alert">
        {problem}
      </p>
      {users.value?.length === 0 && <p class="quiet">{t("banned.none")}</p>}
      <div class="picker">
        {users.value?.map((id) => (
          <Row key={id} user={id} onAdmit={() => admit(id)} />
        ))}
      </div>
    </Dialog>
  );
}

function Row({ user: id, onAdmit }: { user: string; onAdmit: () => Promise<void> }) {
  const user = userOf(id).value;
  return (
    <div class="setting">
      <Avatar {...user} picture={user.avatar} size="header" />
      <span class="setting-text">
        <bdi class="line">{user.name}</bdi>
      </span>
      <button
        type="button"
        class="button"
        aria-label={t("banned.admit.name", { name: user.name })}
        onClick={(event) => void keepFocus(event, onAdmit)}
      >
        {t("banned.admit")}
      </button>
    </div>
  );
}
