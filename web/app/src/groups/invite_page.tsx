/** The page of an invite, `#/invite/I`: the group it leads into, and the way in. */
import "./group_styles.js";
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { lookAt, newKey, useInvite, type RoomCard as Card } from "@chatd/client/conversations";
import { t } from "../locale/locale.js";
import { Field } from "../people/fields.js";
import { Empty } from "../shell/drawings.js";
import { errorText } from "../shell/errors.js";
import { Icon } from "../shell/icons.js";
import { PageHead } from "../shell/page_head.js";
import { follow, go, hrefOf } from "../shell/router.js";
import { Skeleton } from "../shell/skeleton.js";
import { client, phase, roomOf } from "../shell/state.js";
import { RoomCard } from "./room_card.js";

const TEXT_MAX = 200;

export function InvitePage({ invite }: { invite: string }) {
  const card = useSignal<Card | undefined>(undefined);
  const problem = useSignal("");
  const isReady = phase.value === "ready";
  useEffect(() => {
    if (!isReady || card.value) return;
    let gone = false;
    problem.value = "";
    lookAt(client(), invite).then(
      (found) => !gone && (card.value = found),
      (error: unknown) => !gone && (problem.value = codeOf(error) === "not_found" ? "not_found" : errorText(error)),
    );
    return () => void (gone = true);
  }, [invite, isReady]);
  return (
    <>
      <PageHead title={t("invite.page")} />
      {problem.value === "not_found" ? (
        <Empty drawing="search" title={t("invite.over.title")} text={t("invite.over")}>
          <a class="button primary" href={hrefOf({ name: "chats" })} onClick={follow}>
            {t("nav.chats")}
          </a>
        </Empty>
      ) : problem.value ? (
        <Empty drawing="offline" text={problem.value} />
      ) : card.value ? (
        <Found invite={invite} card={card.value} />
      ) : (
        <Skeleton />
      )}
    </>
  );
}

const codeOf = (error: unknown): unknown => (error as { code?: unknown }).code;

function Found({ invite, card }: { invite: string; card: Card }) {
  const text = useSignal("");
  const [busy, waits, problem] = [useSignal(false), useSignal(false), useSignal("")];
  // A second press repeats the first, whatever became of its answer.
  const key = useSignal(newKey());
  const asks = card.approve;
  const own = card.room ? roomOf(card.room) : null;
  const enter = async (event: Event) => {
    event.preventDefault();
    busy.value = true;
    problem.value = "";
    try {
      const entry = await useInvite(client(), invite, { text: text.value.trim(), key: key.value });
      if (entry.requested) waits.value = true;
      else go({ name: "chat", room: entry.room, about: false }, true);
    } catch (error) {
      problem.value = codeOf(error) === "not_found" ? t("invite.over") : errorText(error);
    }
    busy.value = false;
  };
  return (
    <div class="scroller page">
      <RoomCard card={card} id={invite} />
      {own ? (
        <div class="card way-in">
          <p class="quiet">{t("invite.in")}</p>
          <a class="button primary wide" href={hrefOf({ name: "chat", room: own.id, about: false })} onClick={follow}>
            {t("invite.open")}
          </a>
        </div>
      ) : waits.value ? (
        <p class="card way-in" role="status">
          <Icon name="clock" />
          <span>{t("invite.waits")}</span>
        </p>
      ) : (
        <form class="card way-in" onSubmit={(event) => void enter(event)}>
          {asks && <Field label={t("invite.ask.text")} hint={t("invite.ask.hint")} value={text} max={TEXT_MAX} lines={2} />}
          <p class="problem" role="alert">
            {problem}
          </p>
          <button type="submit" class="button primary wide" disabled={busy.value || [...text.value].length > TEXT_MAX}>
            {t(asks ? "invite.ask" : card.kind === "channel" ? "invite.follow" : "invite.join")}
          </button>
        </form>
      )}
    </div>
  );
}
