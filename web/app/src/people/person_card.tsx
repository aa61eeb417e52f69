/** The home card of a user: cover, face, name, presence, what one can do, and what is known of them. */
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { t } from "../locale/locale.js";
import { presenceText, presenceTitle } from "../rooms/names.js";
import { Avatar, colourOf } from "../shell/avatar.js";
import { Card } from "../shell/controls.js";
import { attempt } from "../shell/errors.js";
import { Icon } from "../shell/icons.js";
import { Kind } from "../shell/kind.js";
import { offers } from "../shell/contacts.js";
import { ReportAction } from "../report/report_action.js";
import { notify } from "../shell/announcer.js";
import { client, me, phase, presenceOf, roomList, type RoomState } from "../shell/state.js";
import { userOf } from "../shell/users.js";
import { useWatched } from "../shell/watching.js";
import { openDirect } from "./open_direct.js";
import { ShareContact } from "./share_contact.js";
import { follow, hrefOf, openRoom } from "../shell/router.js";

/** Most groups that are asked whether the user is in them: those of the latest messages. */
const GROUPS_ASKED = 12;

export function PersonCard({ user: id, room }: { user: string; room?: RoomState }) {
  const user = userOf(id).value;
  const presence = presenceOf(id).value;
  useWatched([id]);
  const open = room !== undefined && room.id === openRoom.value;
  return (
    <>
      <section class="home" aria-label={user.name}>
        <div class={`cover cover-${colourOf(id)}`} />
        <Avatar {...user} picture={user.avatar} size="card" online={presence.state === "online"} />
        <h2 class="home-name">
          <bdi>{user.name}</bdi>
          <Kind kind={user.kind} />
        </h2>
        <p class={presence.state === "online" ? "small online" : "small quiet"} title={presenceTitle(presence)}>
          {id === me.value ? t("person.you") : presenceText(presence) || t("presence.unknown")}
        </p>
        {id !== me.value && !open && !user.erased && (
          <button type="button" class="button primary" onClick={() => void openDirect(id)}>
            <Icon name="chat" />
            {t("person.message")}
          </button>
        )}
      </section>
      <UserId id={id} />
      {id !== me.value && <Common user={id} />}
      {id !== me.value && !user.erased && (
        <Card>
          <ShareContact user={id} />
          {offers("reports") && <ReportAction subject={{ user: id }} name={user.name} />}
        </Card>
      )}
    </>
  );
}

/** The id of a user, which others need to begin a chat with them. */
export function UserId({ id }: { id: string }) {
  const copy = async () => {
    await navigator.clipboard.writeText(id);
    notify(t("person.copied"));
  };
  return (
    <Card>
      <div class="setting">
        <span class="setting-text">
          <span class="small quiet">{t("person.id")}</span>
          <span class="anywhere">{id}</span>
        </span>
        <button type="button" class="icon-button" aria-label={t("person.copy")} onClick={() => void attempt(copy)}>
          <Icon name="copy" />
        </button>
      </div>
    </Card>
  );
}

/** The groups in common, among those of the latest messages. */
function Common({ user }: { user: string }) {
  const groups = useSignal<readonly RoomState[]>([]);
  useEffect(() => {
    if (phase.value !== "ready") return;
    let gone = false;
    const asked = roomList.peek().filter((room) => !room.summary.peek().peer).slice(0, GROUPS_ASKED);
    void (async () => {
      for (const room of asked) {
        const found = await isMember(room, user).catch(() => false);
        if (gone) return;
        if (found) groups.value = [...groups.value, room];
      }
    })();
    return () => void (gone = true);
  }, [user, phase.value === "ready"]);
  if (!groups.value.length) return null;
  return (
    <Card title={t("person.common")}>
      {groups.value.map((room) => (
        <a key={room.id} class="setting link" href={hrefOf({ name: "chat", room: room.id, about: false })} onClick={follow}>
          <Avatar id={room.id} name={room.summary.value.title} picture={room.summary.value.avatar} size="header" />
          <span class="setting-text">
            <span class="line">
              <bdi>{room.summary.value.title || t("room.untitled")}</bdi>
            </span>
          </span>
        </a>
      ))}
    </Card>
  );
}

async function isMember(room: RoomState, user: string): Promise<boolean> {
  const packet = { type: "members.list", room: room.id, prefix: user, limit: 1 };
  const { members } = await client().call<{ members: { user: string }[] }>(packet);
  return members[0]?.user === user;
}
