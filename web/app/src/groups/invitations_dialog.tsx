/** What waits for the user, or for an admin: groups that were offered to them, and those they asked to join; a dialog, and the
 * page `#/invite/offers` to which a notification leads. */
import "./group_styles.js";
import { useSignal } from "@preact/signals";
import { join, withdraw, type Join } from "@chatd/client/conversations";
import { t } from "../locale/locale.js";
import { Avatar } from "../shell/avatar.js";
import { closeDialog, Dialog } from "../shell/dialog.js";
import { attempt } from "../shell/errors.js";
import { keepFocus } from "../shell/keep_focus.js";
import { PageHead } from "../shell/page_head.js";
import { go } from "../shell/router.js";
import { client } from "../shell/state.js";
import { userOf } from "../shell/users.js";
import { ownJoins } from "./own_joins.js";

export function InvitationsDialog() {
  return (
    <Dialog title={t("offers.title")}>
      <Waiting />
    </Dialog>
  );
}

export function OffersPage() {
  return (
    <>
      <PageHead title={t("offers.title")} />
      <div class="scroller page">
        <Waiting />
      </div>
    </>
  );
}

function Waiting() {
  const all = ownJoins.value;
  const [offered, asked] = (["offered", "asked"] as const).map((kind) => all.filter((one) => one.kind === kind));
  return (
    <>
      {!all.length && <p class="quiet">{t("offers.none")}</p>}
      {offered!.length > 0 && (
        <div class="picker">
          {offered!.map((one) => (
            <Row key={one.room} row={one} />
          ))}
        </div>
      )}
      {asked!.length > 0 && (
        <section class="rules" aria-label={t("offers.asked")}>
          <h3>{t("offers.asked")}</h3>
          <div class="picker">
            {asked!.map((one) => (
              <Row key={one.room} row={one} />
            ))}
          </div>
        </section>
      )}
    </>
  );
}

function Row({ row }: { row: Join }) {
  const { room, card = {}, kind, by = "" } = row;
  const busy = useSignal(false);
  const name = card.title || t("room.untitled");
  const act = (event: Event, work: () => Promise<unknown>) => {
    busy.value = true;
    void keepFocus(event, () => attempt(work)).then(() => (busy.value = false));
  };
  const accept = async () => {
    const entry = await join(client(), room);
    if (entry.requested) return;
    closeDialog();
    go({ name: "chat", room, about: false });
  };
  const decline = () => withdraw(client().room(room));
  return (
    <div class="request">
      <Avatar id={room} name={name} picture={card.avatar} />
      <div class="request-text">
        <span class="line name">
          <bdi>{name}</bdi>
        </span>
        <span class="small quiet">{t("room.members", { count: card.members ?? 0 })}</span>
        <span class="small quiet">
          {kind === "offered" ? t("offers.by", { name: userOf(by).value.name }) : t("offers.waits")}
        </span>
        <div class="request-deeds">
          <button type="button" class="button" disabled={busy.value} onClick={(event) => act(event, decline)}>
            {t(kind === "offered" ? "people.decline" : "people.cancel")}
          </button>
          {kind === "offered" && (
            <button type="button" class="button primary" disabled={busy.value} onClick={(event) => act(event, accept)}>
              {t("invite.join")}
            </button>
          )}
        </div>
      </div>
    </div>
  );
}
