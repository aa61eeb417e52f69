/** The page of a group: face and title, its settings, its members, and the way out. */
import { useComputed, useSignal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { may, rulesOf, type Deed } from "@chatd/client/conversations";
import "../groups/group_styles.js";
import { Tags } from "../groups/room_card.js";
import { t } from "../locale/locale.js";
import { ReportAction } from "../report/report_action.js";
import { notify } from "../shell/announcer.js";
import { PictureButton } from "../media/picture_button.js";
import { Avatar, colourOf } from "../shell/avatar.js";
import { Action, Card } from "../shell/controls.js";
import { mediaOffer, offers } from "../shell/contacts.js";
import { confirm, openDialog } from "../shell/dialog.js";
import { attempt } from "../shell/errors.js";
import { Icon } from "../shell/icons.js";
import { go } from "../shell/router.js";
import { addressOf } from "../shell/server.js";
import { phase, type RoomState } from "../shell/state.js";
import { VirtualList } from "../shell/virtual_list.js";
import { useWatched } from "../shell/watching.js";
import { MemberRow } from "./member_row.js";
import { MemberList, ROLES, type Member } from "./members.js";
import { titleOf } from "./names.js";
import { RoomSettings } from "./room_settings.js";

export function GroupDetails({ room }: { room: RoomState }) {
  const prefix = useSignal("");
  const seen = useSignal<readonly Member[]>([]);
  const isFollower = follows(room);
  // Of others they see the staff, and they know themselves.
  const roles = isFollower ? ROLES.slice(0, 2) : ROLES;
  const list = useMemo(() => new MemberList(room.id, prefix.value, roles), [prefix.value, isFollower, phase.value === "ready"]);
  useWatched(seen.value.map((member) => member.user));
  useEffect(() => void (phase.peek() === "ready" && list.next()), [list]);
  // Membership and roles are events of the log; in a large room the number of members moves.
  useEffect(() => room.listen((change) => void (change.kind === "eventAdded" && list.reload())), [room, list]);
  return (
    <VirtualList
      label={word(room, "members")}
      items={list.members.value}
      keyOf={(member) => member.user}
      row={(member) => <MemberRow room={room} member={member} />}
      onSeen={(items) => (seen.value = items)}
      onEnd={() => void (phase.peek() === "ready" && list.next())}
    >
      <Top room={room} />
      <RoomSettings room={room} />
      <GroupSettings room={room} />
      <MembersHead room={room} prefix={prefix.value} onPrefix={(next) => (prefix.value = next)} />
    </VirtualList>
  );
}

/** Whether the user may do something in the group. */
const allows = (room: RoomState, deed: Deed): boolean => may(room.summary.value, deed);

/** Return a text about a group, or about a channel. */
function word(room: RoomState, key: "members" | "settings" | "rename" | "leave" | "leave.text" | "leave.action" | "delete" | "add"): string {
  const name = titleOf(room);
  return room.summary.value.kind === "channel" ? t(`channel.${key}`, { name }) : t(`group.${key}`, { name });
}

const openTitle = (room: RoomState) => openDialog(async () => (await import("./edit_title.js")).EditTitle, { room });

function Top({ room }: { room: RoomState }) {
  const title = titleOf(room);
  return (
    <section class="home" aria-label={title}>
      <div class={`cover cover-${colourOf(room.id)}`} />
      <span class="home-avatar">
        <Avatar id={room.id} name={title} picture={room.summary.value.avatar} size="card" />
        {allows(room, "info") && mediaOffer.value && (
          <PictureButton
            purpose="avatar"
            label={t("media.group.choose")}
            class="avatar-change"
            onDone={(avatar) => room.room.update({ avatar })}
          >
            <Icon name="picture" />
          </PictureButton>
        )}
      </span>
      <h2 class="home-name">
        <bdi>{title}</bdi>
        {allows(room, "info") && (
          <button type="button" class="icon-button" aria-label={word(room, "rename")} onClick={() => openTitle(room)}>
            <Icon name="edit" />
          </button>
        )}
      </h2>
      <p class="small quiet">{t(room.summary.value.kind === "channel" ? "room.followers" : "room.members", { count: room.summary.value.members })}</p>
      <About room={room} />
    </section>
  );
}

/** What the group says of itself. */
function About({ room }: { room: RoomState }) {
  const { about, tags = [] } = room.summary.value;
  const edit = () => openDialog(async () => (await import("../groups/about_dialog.js")).AboutDialog, { room });
  return (
    <>
      {about && (
        <p class="room-about" dir="auto">
          {about}
        </p>
      )}
      <Tags tags={tags} />
      {allows(room, "info") && (
        <button type="button" class="button" onClick={() => void edit()}>
          {t(about || tags.length ? "about.edit" : room.summary.value.kind === "channel" ? "channel.describe" : "about.add")}
        </button>
      )}
    </>
  );
}

function GroupSettings({ room }: { room: RoomState }) {
  const summary = room.summary.value;
  const { role, joins = 0, nickname, kind, public: open } = summary;
  const leads = role !== "member";
  const isChannel = kind === "channel";
  const dialogs = {
    rules: async () => (await import("../groups/rules_dialog.js")).RulesDialog,
    invites: async () => (await import("../groups/invites_dialog.js")).InvitesDialog,
    joins: async () => (await import("../groups/joins_dialog.js")).JoinsDialog,
    nickname: async () => (await import("../groups/nickname_dialog.js")).NicknameDialog,
    banned: async () => (await import("../groups/banned_dialog.js")).BannedDialog,
  };
  const show = (name: keyof typeof dialogs) => () => void openDialog(dialogs[name], { room });
  const leave = () =>
    confirm({
      title: word(room, "leave"),
      text: word(room, "leave.text"),
      action: word(room, "leave.action"),
      onConfirm: () => void attempt(async () => (await room.room.leave(), go({ name: "chats" }))),
    });
  const copyLink = async () => {
    await navigator.clipboard.writeText(addressOf(`./#/r/${room.id}`).href);
    notify(t("person.copied"));
  };
  const remove = () =>
    confirm({
      title: word(room, "delete"),
      text: t("group.delete.text", { name: titleOf(room) }),
      action: t("group.delete.action"),
      onConfirm: () => void attempt(async () => (await room.room.delete(), go({ name: "chats" }))),
    });
  return (
    <Card title={word(room, "settings")}>
      {leads && <Action icon="shield" label={t(isChannel ? "channel.rules" : "rules.title")} hint={t("rules.hint", { who: t(`rules.join.${rulesOf(summary).join}`) })} onClick={show("rules")} />}
      {allows(room, "invite") && <Action icon="link" label={t("invite.title")} onClick={show("invites")} />}
      {joins > 0 && <Action icon="person-add" label={t("joins.row", { count: joins })} onClick={show("joins")} />}
      {!isChannel && <Action icon="tag" label={t("nickname.title")} hint={nickname ?? t("nickname.none")} onClick={show("nickname")} />}
      {leads && <Action icon="block" label={t("banned.title")} onClick={show("banned")} />}
      {open && <Action icon="copy" label={t("group.link")} onClick={() => void attempt(copyLink)} />}
      {offers("reports") && <ReportAction subject={{ room: room.id }} name={titleOf(room)} />}
      <Action icon="sign-out" label={word(room, "leave")} danger onClick={leave} />
      {role === "owner" && <Action icon="trash" label={word(room, "delete")} danger onClick={remove} />}
    </Card>
  );
}

/** Whether the user follows a channel, without being of its staff. */
function follows(room: RoomState): boolean {
  const { kind, role } = room.summary.value;
  return kind === "channel" && role === "member";
}

interface MembersHeadProps {
  room: RoomState;
  prefix: string;
  onPrefix: (prefix: string) => void;
}

function MembersHead({ room, prefix, onPrefix }: MembersHeadProps) {
  const { members, kind } = room.summary.value;
  const isHead = follows(room);
  const title = isHead ? word(room, "members") : t(kind === "channel" ? "room.followers" : "group.members.count", { count: members });
  const add = () => openDialog(async () => (await import("./add_members.js")).AddMembers, { room });
  const many = useComputed(() => room.summary.value.members > 12).value && !isHead;
  return (
    <div class="members-head">
      <h2 class="card-title">{title}</h2>
      {allows(room, "invite") && <Action icon="person-add" label={word(room, "add")} onClick={add} />}
      {many && (
        <input
          type="search"
          class="field"
          aria-label={t("group.find")}
          placeholder={t("group.find")}
          value={prefix}
          onInput={(event) => onPrefix(event.currentTarget.value.trim())}
        />
      )}
    </div>
  );
}
