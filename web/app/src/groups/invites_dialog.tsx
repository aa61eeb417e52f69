/** The dialog of the invites of a group: those that work, a new one, and each as a link and a code to scan. */
import "./group_styles.js";
import { useSignal, type Signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { createInvite, invitesOf, revokeInvites, type Invite } from "@chatd/client/conversations";
import { momentOf } from "../locale/moments.js";
import { t } from "../locale/locale.js";
import { Field } from "../people/fields.js";
import { titleOf } from "../rooms/names.js";
import { notify } from "../shell/announcer.js";
import { Choice, Switch } from "../shell/controls.js";
import { Dialog, openDialog } from "../shell/dialog.js";
import { attempt, errorText } from "../shell/errors.js";
import { Icon } from "../shell/icons.js";
import { keepFocus } from "../shell/keep_focus.js";
import { addressOf } from "../shell/server.js";
import { client, me, type RoomState } from "../shell/state.js";
import { userOf } from "../shell/users.js";
import { durationText } from "./durations.js";
import { QrCode } from "./qr_code.js";

const LABEL_MAX = 64;
/** Most characters of the title of a card (protocol.md, "Card"). */
const CARD_TITLE_MAX = 256;
const HOUR_S = 3600;
const LASTS_S = [HOUR_S, 24 * HOUR_S, 7 * 24 * HOUR_S, 30 * 24 * HOUR_S];
const USES = [0, 1, 10, 100];

/** Return the address of an invite: the page of the operator, else this client. */
export const addressOfInvite = ({ invite, url }: Invite): string => url ?? addressOf(`./#/invite/${invite}`).href;

type Page = { name: "list" } | { name: "new" } | { name: "one"; invite: Invite };

export function InvitesDialog({ room }: { room: RoomState }) {
  const page = useSignal<Page>({ name: "list" });
  const invites = useSignal<readonly Invite[] | undefined>(undefined);
  const problem = useSignal("");
  const load = async () => {
    const found: Invite[] = [];
    try {
      for await (const invite of invitesOf(client(), room.id)) found.push(invite);
      invites.value = found;
    } catch (error) {
      problem.value = errorText(error);
    }
  };
  useEffect(() => void load(), [room]);
  const now = page.value;
  if (now.name === "new") return <NewInvite room={room} page={page} onMade={load} />;
  if (now.name === "one") return <OneInvite room={room} page={page} invite={now.invite} onRevoked={load} />;
  const actions = (
    <button type="submit" class="button primary">
      <Icon name="plus" />
      {t("invite.new")}
    </button>
  );
  return (
    <Dialog title={t("invite.title")} actions={actions} onSubmit={() => (page.value = { name: "new" })}>
      <p class="quiet small">{t("invite.text")}</p>
      <p class="problem" role="alert">
        {problem}
      </p>
      {invites.value?.length === 0 && <p class="quiet">{t("invite.none")}</p>}
      <div class="picker">
        {invites.value?.map((invite) => (
          <button key={invite.invite} type="button" class="setting" onClick={() => (page.value = { name: "one", invite })}>
            <Icon name="link" />
            <span class="setting-text">
              <span class="line">
                <bdi>{invite.label || makerOf(invite)}</bdi>
              </span>
              <span class="small quiet">{stateOf(invite)}</span>
            </span>
            <Icon name="forward" />
          </button>
        ))}
      </div>
    </Dialog>
  );
}

const makerOf = ({ by }: Invite): string => (by === me.value ? t("invite.own") : t("invite.of", { name: userOf(by).value.name }));

function stateOf({ expires_at, uses = 0, uses_max = 0, approve }: Invite): string {
  const used = uses_max ? t("invite.used.of", { uses, most: uses_max }) : t("invite.used", { count: uses });
  const parts = [used, t("invite.until", { time: momentOf(expires_at) }), approve ? t("invite.approved") : ""];
  return parts.filter(Boolean).join(" · ");
}

interface NewProps {
  room: RoomState;
  page: Signal<Page>;
  onMade: () => Promise<void>;
}

function NewInvite({ room, page, onMade }: NewProps) {
  const [lasts, uses] = [useSignal(LASTS_S[2]!), useSignal(0)];
  const [approve, label, problem] = [useSignal(false), useSignal(""), useSignal("")];
  const make = async () => {
    const wish = { uses_max: uses.value, approve: approve.value, label: label.value.trim() };
    try {
      const invite = await createInvite(room.room, { ...wish, expires_at: Date.now() + lasts.value * 1000 });
      page.value = { name: "one", invite };
      await onMade();
    } catch (error) {
      problem.value = errorText(error);
    }
  };
  const actions = (
    <>
      <button type="button" class="button" onClick={() => (page.value = { name: "list" })}>
        {t("action.cancel")}
      </button>
      <button type="submit" class="button primary" disabled={[...label.value].length > LABEL_MAX}>
        {t("invite.make")}
      </button>
    </>
  );
  return (
    <Dialog title={t("invite.new")} actions={actions} onSubmit={() => void make()}>
      <div class="rules">
        <Choice
          label={t("invite.lasts")}
          value={`${lasts.value}`}
          options={LASTS_S.map((seconds) => ({ value: `${seconds}`, label: durationText(seconds) }))}
          onChange={(value) => (lasts.value = Number(value))}
        />
        <Choice
          label={t("invite.uses")}
          value={`${uses.value}`}
          options={USES.map((count) => ({ value: `${count}`, label: count ? t("invite.people", { count }) : t("invite.any") }))}
          onChange={(value) => (uses.value = Number(value))}
        />
        <Switch label={t("invite.approve")} hint={t("invite.approve.hint")} on={approve.value} onChange={(on) => (approve.value = on)} />
      </div>
      <Field label={t("invite.label")} hint={t("invite.label.hint")} problem={problem.value} value={label} max={LABEL_MAX} />
    </Dialog>
  );
}

interface OneProps {
  room: RoomState;
  page: Signal<Page>;
  invite: Invite;
  onRevoked: () => Promise<void>;
}

function OneInvite({ room, page, invite, onRevoked }: OneProps) {
  const address = addressOfInvite(invite);
  const copy = async () => {
    await navigator.clipboard.writeText(address);
    notify(t("person.copied"));
  };
  const name = titleOf(room);
  const body = { text: `${name} ${address}`, card: { type: "room", invite: invite.invite, title: [...name].slice(0, CARD_TITLE_MAX).join("") } };
  const send = () => void openDialog(async () => (await import("../rooms/share_dialog.js")).ShareDialog, { title: t("share.invite"), body });
  const share = () => navigator.share({ title: titleOf(room), url: address });
  const revoke = async () => {
    const done = await attempt(async () => (await revokeInvites(room.room, { invite: invite.invite }), true));
    if (!done) return;
    await onRevoked();
    page.value = { name: "list" };
  };
  const actions = (
    <>
      <button type="button" class="button danger" onClick={(event) => void keepFocus(event, revoke)}>
        {t("invite.revoke")}
      </button>
      <button type="button" class="button" onClick={send}>
        {t("share.invite")}
      </button>
      {"share" in navigator && (
        <button type="button" class="button" onClick={() => void share().catch(() => undefined)}>
          {t("invite.share")}
        </button>
      )}
      <button type="submit" class="button primary">
        {t("group.link")}
      </button>
    </>
  );
  return (
    <Dialog title={invite.label || t("invite.link")} actions={actions} onSubmit={() => void attempt(copy)}>
      <figure class="code">
        <QrCode text={address} label={t("invite.code", { name: titleOf(room) })} />
        <figcaption>
          <bdi class="code-name">{titleOf(room)}</bdi>
          <bdi class="small quiet code-address">{address}</bdi>
          <span class="small quiet">{stateOf(invite)}</span>
        </figcaption>
      </figure>
    </Dialog>
  );
}
