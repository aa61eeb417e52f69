/** The dialog of those who are banned from a group. */
import "./group_styles.js";
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { MembersListReply } from "@chatd/client";
import { unban } from "@chatd/client/conversations";
import { momentOf } from "../locale/moments.js";
import { t } from "../locale/locale.js";
import { Avatar } from "../shell/avatar.js";
import { Dialog } from "../shell/dialog.js";
import { attempt, errorText } from "../shell/errors.js";
import { keepFocus } from "../shell/keep_focus.js";
import { client, type RoomState } from "../shell/state.js";
import { userOf } from "../shell/users.js";

type Banned = Pick<MembersListReply["members"][number], "user" | "banned_until">;

/** Rows of a page. */
const PAGE = 100;

export function BannedDialog({ room }: { room: RoomState }) {
  const banned = useSignal<readonly Banned[] | undefined>(undefined);
  const more = useSignal<string | undefined>(undefined);
  const problem = useSignal("");
  const next = async () => {
    problem.value = "";
    try {
      const asked = { type: "members.list", room: room.id, role: "banned", limit: PAGE, ...(more.value && { more: more.value }) };
      const page: MembersListReply = await client().call(asked);
      banned.value = [...(banned.value ?? []), ...page.members];
      more.value = page.more;
    } catch (error) {
      problem.value = errorText(error);
    }
  };
  useEffect(() => void next(), [room]);
  const admit = async (user: string) => {
    const done = await attempt(async () => (await unban(room.room, [user]), true));
    if (done) banned.value = banned.value?.filter((other) => other.user !== user);
  };
  return (
    <Dialog title={t("banned.title")}>
      <p class="quiet small">{t("banned.text")}</p>
      <p class="problem" role="alert">
        {problem}
      </p>
      {banned.value?.length === 0 && <p class="quiet">{t("banned.none")}</p>}
      <div class="picker">
        {banned.value?.map(({ user, banned_until }) => (
          <Row key={user} user={user} until={banned_until} onAdmit={() => admit(user)} />
        ))}
      </div>
      {more.value && (
        <button type="button" class="button" onClick={(event) => void keepFocus(event, next)}>
          {t("people.more")}
        </button>
      )}
    </Dialog>
  );
}

interface RowProps {
  user: string;
  /** The end of the ban; undefined: there is none. */
  until: number | undefined;
  onAdmit: () => Promise<void>;
}

function Row({ user: id, until, onAdmit }: RowProps) {
  const user = userOf(id).value;
  return (
    <div class="setting">
      <Avatar {...user} picture={user.avatar} size="header" />
      <span class="setting-text">
        <span class="line">
          <bdi>{user.name}</bdi>
        </span>
        {until && <span class="small quiet">{t("banned.until", { time: momentOf(until) })}</span>}
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
