/** One member of a group, with what the own role allows to do about them. */
import { handOver, setNickname, silence } from "@chatd/client/conversations";
import { momentOf } from "../locale/moments.js";
import { t } from "../locale/locale.js";
import { Avatar } from "../shell/avatar.js";
import { confirm, openDialog } from "../shell/dialog.js";
import { attempt } from "../shell/errors.js";
import { Icon } from "../shell/icons.js";
import { Kind } from "../shell/kind.js";
import { Menu, type MenuItem } from "../shell/menu.js";
import { follow, hrefOf } from "../shell/router.js";
import { client, me, presenceOf, type RoomState } from "../shell/state.js";
import { userOf } from "../shell/users.js";
import { ROLES, type Member, type Role } from "./members.js";
import { presenceText } from "./names.js";

const ROLE_ICONS = { owner: "star", admin: "shield", member: "person" } as const;

export function MemberRow({ room, member }: { room: RoomState; member: Member }) {
  const user = userOf(member.user).value;
  const presence = presenceOf(member.user).value;
  const name = member.nickname ?? user.name;
  const items = actionsOn(room, member, user.name);
  return (
    <div class="member">
      <a class="chat-row" href={hrefOf({ name: "person", user: user.id })} onClick={follow}>
        <Avatar {...user} picture={user.avatar} online={presence.state === "online"} />
        <span class="chat-row-head">
          <span class="line name">
            <bdi>{name}</bdi>
          </span>
          <Kind kind={user.kind} />
          {isSilenced(member) && (
            <span class="sign" role="img" aria-label={t("member.silenced")} title={t("member.silenced")}>
              <Icon name="silence" />
            </span>
          )}
          {member.role !== "member" && <span class="role">{t(`role.${member.role}`)}</span>}
        </span>
        <span class="chat-row-foot">
          <span class="line">{lineOf(member, name)}</span>
        </span>
      </a>
      {items.length > 0 && <Menu label={t("member.actions", { name: user.name })} items={items} />}
    </div>
  );
}

/** The second line: until when they may not write, else who they are. */
function lineOf(member: Member, name: string): string {
  const user = userOf(member.user).value;
  const { silenced_until = 0 } = member;
  if (isSilenced(member)) return silenced_until === 1 ? t("member.silenced") : t("member.silenced.until", { time: momentOf(silenced_until) });
  if (user.id === me.value) return t("person.you");
  return name === user.name ? presenceText(presenceOf(user.id).value) || user.id : user.name;
}

const HOUR = 3_600_000;
/** For how long one may be silenced, by the word of the item; 1 is for ever. */
const SILENCES = { hour: () => Date.now() + HOUR, day: () => Date.now() + 24 * HOUR, ever: () => 1 };

const isSilenced = ({ silenced_until = 0 }: Member): boolean => silenced_until === 1 || silenced_until > Date.now();

/** What a role allows (protocol.md, "Roles"): owners give roles and remove anybody, admins silence and remove members. */
function actionsOn(room: RoomState, member: Member, name: string): MenuItem[] {
  const { user, role, nickname } = member;
  const own = room.summary.value.role;
  if (user === me.value || own === "member" || (own === "admin" && role !== "member")) return [];
  const silenced = (until: number) => void attempt(() => silence(room.room, [user], until));
  const quiet: MenuItem[] = isSilenced(member)
    ? [{ icon: "chat", label: t("member.silence.end"), onSelect: () => silenced(0) }]
    : (["hour", "day", "ever"] as const).map((word) => {
        return { icon: "silence", label: t(`member.silence.${word}`), onSelect: () => silenced(SILENCES[word]()) };
      });
  const unname: MenuItem = { icon: "tag", label: t("member.unname"), onSelect: () => void attempt(() => setNickname(room.room, "", user)) };
  const hand: MenuItem = {
    icon: "star",
    label: t("member.hand-over"),
    onSelect: () =>
      confirm({
        title: t("member.hand-over"),
        text: t("member.hand-over.text", { name }),
        action: t("member.hand-over.action"),
        onConfirm: () => void attempt(() => handOver(client(), room.room, user)),
      }),
  };
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
  const out: MenuItem = {
    icon: "block",
    label: t("member.ban"),
    danger: true,
    onSelect: () => void openDialog(async () => (await import("../groups/ban_dialog.js")).BanDialog, { room, user }),
  };
  const roles = own === "owner" ? [...ROLES.filter((next) => next !== role).map(give), hand] : [];
  return [...roles, ...(role === "member" && room.summary.value.kind !== "channel" ? quiet : []), ...(nickname ? [unname] : []), remove, out];
}
