/** One member of a group, with what the own role allows to do about them. */
import { t } from "../locale/locale.js";
import { Avatar } from "../shell/avatar.js";
import { confirm } from "../shell/dialog.js";
import { attempt } from "../shell/errors.js";
import { Kind } from "../shell/kind.js";
import { Menu, type MenuItem } from "../shell/menu.js";
import { follow, hrefOf } from "../shell/router.js";
import { me, presenceOf, type RoomState } from "../shell/state.js";
import { userOf } from "../shell/users.js";
import { ROLES, type Member, type Role } from "./members.js";
import { presenceText } from "./names.js";

const ROLE_ICONS = { owner: "star", admin: "shield", member: "person" } as const;

export function MemberRow({ room, member }: { room: RoomState; member: Member }) {
  const user = userOf(member.user).value;
  const presence = presenceOf(member.user).value;
  const items = actionsOn(room, member, user.name);
  return (
    <div class="member">
      <a class="chat-row" href={hrefOf({ name: "person", user: user.id })} onClick={follow}>
        <Avatar {...user} picture={user.avatar} online={presence.state === "online"} />
        <span class="chat-row-head">
          <span class="line name">
            <bdi>{user.name}</bdi>
          </span>
          <Kind kind={user.kind} />
          {member.role !== "member" && <span class="role">{t(`role.${member.role}`)}</span>}
        </span>
        <span class="chat-row-foot">
          <span class="line">{user.id === me.value ? t("person.you") : presenceText(presence) || user.id}</span>
        </span>
      </a>
      {items.length > 0 && <Menu label={t("member.actions", { name: user.name })} items={items} />}
    </div>
  );
}

/** What a role allows (protocol.md, "Roles"): owners give roles and remove anybody, admins remove members. */
function actionsOn(room: RoomState, { user, role }: Member, name: string): MenuItem[] {
  const own = room.summary.value.role;
  if (user === me.value || own === "member" || (own === "admin" && role !== "member")) return [];
  const give = (next: Role): MenuItem => ({
    icon: ROLE_ICONS[next],
    label: t(`member.make.${next}`),
    onSelect: () => void attempt(() => room.room.setRoles({ [user]: next })),
  });
  const remove: MenuItem = {
    icon: "trash",
    label: t("member.remove"),
    danger: true,
    onSelect: () =>
      confirm({
        title: t("member.remove"),
        text: t("member.remove.text", { name }),
        action: t("member.remove.action"),
        onConfirm: () => void attempt(() => room.room.remove([user])),
      }),
  };
  return own === "owner" ? [...ROLES.filter((next) => next !== role).map(give), remove] : [remove];
}
