/** The home card of a user: their card, how one stands with them, and what one can do about that. */
import "./people_styles.js";
import { useSignal } from "@preact/signals";
import { t } from "../locale/locale.js";
import { dateOf } from "../locale/dates.js";
import { presenceText, presenceTitle } from "../rooms/names.js";
import { Avatar } from "../shell/avatar.js";
import { circlesOfUser, contactOf, offers } from "../shell/contacts.js";
import { Action, Card, Switch } from "../shell/controls.js";
import { openDialog } from "../shell/dialog.js";
import { Icon } from "../shell/icons.js";
import { keepFocus } from "../shell/keep_focus.js";
import { follow, hrefOf, openRoom } from "../shell/router.js";
import { me, presenceOf, roomOf, type RoomState } from "../shell/state.js";
import { userOf, type User } from "../shell/users.js";
import { ReportAction } from "../report/report_action.js";
import { useWatched } from "../shell/watching.js";
import { namesOfCircles } from "./circle_names.js";
import { Face, Fields, Names, useTheme } from "./card.js";
import { openDirect } from "./open_direct.js";
import { ShareContact } from "./share_contact.js";
import { UserId } from "./person_card.js";
import { useProfile } from "./profiles.js";
import { viaText } from "./via.js";
import { acceptFriend, askToBlock, askToRemove, cancelRequest, declineFriend, setContact, unblock } from "./verbs.js";

const dialogs = () => import("./contact_dialogs.js");
const openRemark = (user: string) => openDialog(async () => (await dialogs()).EditRemark, { user });
const openCircles = (user: string) => openDialog(async () => (await dialogs()).ChooseCircles, { user });
const openRequest = (user: string, via: string) => openDialog(async () => (await dialogs()).AskFriend, { user, via });

/** With `room` it stands beside a chat with the user. */
export function HomeCard({ user: id, room }: { user: string; room?: RoomState }) {
  const profile = useProfile(id).value;
  const user = userOf(id).value;
  const presence = presenceOf(id).value;
  const root = useTheme(profile?.page?.theme);
  useWatched([id]);
  const own = id === me.value;
  const isFriend = contactOf(id)?.state === "friend";
  return (
    <div class="themed" ref={root}>
      <Face user={user} page={profile?.page} online={presence.state === "online"}>
        <Names user={user} />
        <p class={presence.state === "online" ? "small online" : "small quiet"} title={presenceTitle(presence)}>
          {own ? t("person.you") : presenceText(presence) || (isFriend && t("presence.unknown"))}
        </p>
        {own ? (
          <OwnDeeds />
        ) : (
          <Deeds user={user} common={profile?.common ?? []} isOpen={room !== undefined && room.id === openRoom.value} />
        )}
      </Face>
      {!own && <Standing user={user} />}
      <Fields fields={profile?.page?.fields ?? []} />
      {!own && !user.erased && <Mine user={user} />}
      <Common rooms={profile?.common ?? []} />
      <UserId id={id} />
      {!own && !user.erased && <Ends user={user} />}
    </div>
  );
}

function OwnDeeds() {
  return (
    <a class="button" href={hrefOf({ name: "page", of: "me", page: "card", id: "" })} onClick={follow}>
      <Icon name="edit" />
      {t("card.edit")}
    </a>
  );
}

/** The buttons below the name. */
function Deeds({ user, common, isOpen }: { user: User; common: readonly string[]; isOpen: boolean }) {
  const { state = "none", blocked } = contactOf(user.id) ?? {};
  if (blocked || user.erased) return null;
  return (
    <div class="home-deeds">
      {!isOpen && (
        <button type="button" class="button primary" onClick={() => void openDirect(user.id)}>
          <Icon name="chat" />
          {t("person.message")}
        </button>
      )}
      {state === "none" && (
        <button
          type="button"
          class="button"
          onClick={() => void openRequest(user.id, common[0] ? `group:${common[0]}` : "search")}
        >
          <Icon name="person-add" />
          {t("people.add")}
        </button>
      )}
    </div>
  );
}

/** A box about a block, or a request that waits. */
function Standing({ user }: { user: User }) {
  const contact = contactOf(user.id);
  const { name, id } = user;
  if (contact?.blocked)
    return (
      <section class="standing" aria-label={t("people.blocked.title")}>
        <p>{t("people.blocked.text", { name })}</p>
        <div class="standing-deeds">
          <button type="button" class="button" onClick={(event) => void keepFocus(event, () => unblock(id))}>
            {t("people.unblock")}
          </button>
        </div>
      </section>
    );
  if (contact?.state === "received")
    return (
      <section class="standing" aria-label={t("people.asks", { name })}>
        <p>{t("people.asks", { name })}</p>
        <Note note={contact.note} via={contact.via} />
        <div class="standing-deeds">
          <button type="button" class="button" onClick={(event) => void keepFocus(event, () => declineFriend(id))}>
            {t("people.decline")}
          </button>
          <button type="button" class="button primary" onClick={(event) => void keepFocus(event, () => acceptFriend(id))}>
            {t("people.accept")}
          </button>
        </div>
      </section>
    );
  if (contact?.state !== "sent") return null;
  return (
    <section class="standing" aria-label={t("people.sent.title", { name })}>
      <p>{t("people.sent.title", { name })}</p>
      <Note note={contact.note} />
      {contact.expires_at && <p class="small quiet">{t("people.expires", { date: dateOf(contact.expires_at) })}</p>}
      <div class="standing-deeds">
        <button type="button" class="button" onClick={(event) => void keepFocus(event, () => cancelRequest(id))}>
          {t("people.cancel")}
        </button>
      </div>
    </section>
  );
}

/** What was written with a request, and where it came from. */
export function Note({ note, via }: { note?: string | undefined; via?: string | undefined }) {
  const from = viaText(via);
  return (
    <>
      {note && (
        <blockquote class="note-quote" dir="auto">
          {note}
        </blockquote>
      )}
      {from && <p class="small quiet">{from}</p>}
    </>
  );
}

/** What only the user sees of this contact. */
function Mine({ user }: { user: User }) {
  const contact = contactOf(user.id);
  const names = namesOfCircles(circlesOfUser(user.id));
  const { id } = user;
  return (
    <Card title={t("people.mine")}>
      <Action
        icon="tag"
        label={t("people.remark")}
        hint={contact?.remark || t("people.remark.none")}
        onClick={() => void openRemark(id)}
      />
      {contact?.state === "friend" && (
        <Action
          icon="circles"
          label={t("people.circles")}
          hint={names || t("people.circles.none")}
          onClick={() => void openCircles(id)}
        />
      )}
      {!contact?.blocked && (
        <Switch
          icon="star"
          label={t("people.follow")}
          hint={t("people.follow.hint")}
          on={contact?.following ?? false}
          onChange={(following) => void setContact(id, { following })}
        />
      )}
    </Card>
  );
}

/** The groups that both are in. */
export function Common({ rooms }: { rooms: readonly string[] }) {
  const shown = rooms.flatMap((room) => roomOf(room) ?? []);
  const all = useSignal(false);
  if (!shown.length) return null;
  return (
    <Card title={t("person.common")}>
      {shown.slice(0, all.value ? undefined : 4).map((room) => (
        <a key={room.id} class="setting link" href={hrefOf({ name: "chat", room: room.id, about: false })} onClick={follow}>
          <Avatar id={room.id} name={room.summary.value.title} picture={room.summary.value.avatar} size="header" />
          <span class="setting-text">
            <span class="line">
              <bdi>{room.summary.value.title || t("room.untitled")}</bdi>
            </span>
          </span>
        </a>
      ))}
      {shown.length > 4 && !all.value && (
        <Action icon="more" label={t("chat.show-all")} onClick={() => (all.value = true)} />
      )}
    </Card>
  );
}

/** Their card for others, and what ends a friendship, or all that is between two. */
function Ends({ user }: { user: User }) {
  const { state, blocked } = contactOf(user.id) ?? {};
  return (
    <Card>
      <ShareContact user={user.id} />
      {state === "friend" && <Action icon="close" label={t("people.remove")} danger onClick={() => askToRemove(user.id)} />}
      {!blocked && <Action icon="block" label={t("people.block")} danger onClick={() => askToBlock(user.id)} />}
      {blocked && <Action icon="block" label={t("people.unblock")} onClick={() => void unblock(user.id)} />}
      {offers("reports") && <ReportAction subject={{ user: user.id }} name={user.name} />}
    </Card>
  );
}
