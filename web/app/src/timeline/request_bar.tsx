/** In place of the composer: who a stranger is that wrote, and what to do about it; or that the own request waits. */
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { t } from "../locale/locale.js";
import { Verified } from "../people/card.js";
import "../people/people_styles.js";
import { useProfile } from "../people/profiles.js";
import { askToBlock, unblock } from "../people/verbs.js";
import { titleOf } from "../rooms/names.js";
import { Avatar } from "../shell/avatar.js";
import { attempt } from "../shell/errors.js";
import { Icon } from "../shell/icons.js";
import { follow, go, hrefOf } from "../shell/router.js";
import { client, requestList, roomOf } from "../shell/state.js";
import { userOf, type User } from "../shell/users.js";
import type { Chat } from "./chat.js";

/** Milliseconds between two looks for more texts, of which a push tells once a minute. */
const LOOK_MS = 10_000;

/** What a stranger asks for, and the three answers. */
export function RequestBar({ chat }: { chat: Chat }) {
  const { id, summary } = chat.state;
  const user = userOf(summary.value.peer).value;
  const profile = useProfile(user.id).value;
  const busy = useSignal(false);
  useEffect(() => {
    const look = () => void chat.state.room.refresh().catch(() => undefined);
    look();
    const timer = setInterval(() => document.hidden || look(), LOOK_MS);
    return () => clearInterval(timer);
  }, [chat]);
  const answer = async (work: () => Promise<void>) => {
    busy.value = true;
    const done = await attempt(async () => (await work(), true));
    busy.value = false;
    return done ?? false;
  };
  const decline = async (block: boolean) => {
    const others = requestList.peek().some((room) => room.id !== id);
    const done = await answer(() => client().declineRoom(id, { block }));
    if (done) go({ name: others ? "requests" : "chats" });
    return done;
  };
  return (
    <section class="asks" aria-label={t("asks.title", { name: user.name })}>
      <Who user={user} common={profile && (profile.common ?? [])} />
      <p class="small quiet">{t("asks.text")}</p>
      <div class="asks-deeds">
        <button
          type="button"
          class="button danger"
          disabled={busy.value}
          onClick={() => askToBlock(user.id, () => decline(true))}
        >
          {t("people.block")}
        </button>
        <button type="button" class="button" disabled={busy.value} onClick={() => void decline(false)}>
          {t("people.decline")}
        </button>
        <button
          type="button"
          class="button primary"
          disabled={busy.value}
          onClick={() => void answer(() => client().acceptRoom(id))}
        >
          {t("people.accept")}
        </button>
      </div>
    </section>
  );
}

function Who({ user, common }: { user: User; common: readonly string[] | undefined }) {
  const rooms = (common ?? []).flatMap((room) => roomOf(room) ?? []);
  return (
    <a class="asks-who" href={hrefOf({ name: "person", user: user.id })} onClick={follow}>
      <Avatar {...user} picture={user.avatar} />
      <span class="setting-text">
        <span class="person-name">
          <strong class="anywhere">{t("asks.title", { name: user.name })}</strong>
          <Verified user={user} />
        </span>
        <span class="small quiet line">
          <bdi>{user.handle ? `@${user.handle}` : user.id}</bdi>
        </span>
        {common && (
          <span class="small asks-common">
            {rooms.length ? t("asks.common", { names: rooms.map(titleOf).join(t("names.separator")) }) : t("asks.stranger")}
          </span>
        )}
      </span>
      <Icon name="forward" />
    </a>
  );
}

/** In place of the composer, where the user blocks the other. */
export function BlockedBar({ user }: { user: User }) {
  return (
    <section class="asks" aria-label={t("people.blocked.title")}>
      <p>{t("people.blocked.text", { name: user.name })}</p>
      <div class="asks-deeds">
        <button type="button" class="button" onClick={() => void unblock(user.id)}>
          {t("people.unblock")}
        </button>
      </div>
    </section>
  );
}

/** Above the composer, or in its place when nothing more may be written: the other has not accepted yet. */
export function WaitingLine({ user, left }: { user: User; left: number }) {
  return (
    <p class={left ? "waits" : "waits alone"} role="status">
      <Icon name="clock" />
      <span>{left ? t("waits.left", { name: user.name, count: left }) : t("waits.none", { name: user.name })}</span>
    </p>
  );
}
