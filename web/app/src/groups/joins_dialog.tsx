/** The dialog of those who ask to join a group: who they are, what they wrote, and the answers. */
import "./group_styles.js";
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { decide, waitingIn, type Join } from "@chatd/client/conversations";
import { shortTime } from "../locale/dates.js";
import { t } from "../locale/locale.js";
import { Note } from "../people/home_card.js";
import { Avatar } from "../shell/avatar.js";
import { closeDialog, confirm, Dialog, openDialog } from "../shell/dialog.js";
import { attempt, errorText } from "../shell/errors.js";
import { keepFocus } from "../shell/keep_focus.js";
import { Menu } from "../shell/menu.js";
import { follow, hrefOf } from "../shell/router.js";
import { client, type RoomState } from "../shell/state.js";
import { userOf } from "../shell/users.js";

/** Users of one answer (protocol.md, "joins.decide"). */
const MOST = 100;

export function JoinsDialog({ room }: { room: RoomState }) {
  const joins = useSignal<readonly Join[] | undefined>(undefined);
  const problem = useSignal("");
  const { joins: count } = room.summary.value;
  useEffect(() => {
    let gone = false;
    void (async () => {
      const found: Join[] = [];
      try {
        for await (const join of waitingIn(client(), room.id)) found.push(join);
        if (!gone) joins.value = found;
      } catch (error) {
        problem.value = errorText(error);
      }
    })();
    return () => void (gone = true);
  }, [room, count]);
  const answer = async (users: readonly string[], accept: boolean, ban = false) => {
    for (let at = 0; at < users.length; at += MOST) {
      const some = users.slice(at, at + MOST);
      const done = await attempt(async () => (await decide(room.room, some, accept, { ban }), true));
      if (!done) return;
      joins.value = joins.value?.filter(({ user }) => !some.includes(user));
    }
  };
  const shown = joins.value ?? [];
  const all = shown.map(({ user }) => user);
  const actions = shown.length > 1 && (
    <button type="submit" class="button primary">
      {t("joins.all", { count: shown.length })}
    </button>
  );
  return (
    <Dialog title={t("joins.title")} actions={actions} onSubmit={() => void answer(all, true)}>
      <p class="problem" role="alert">
        {problem}
      </p>
      {joins.value && !shown.length && <p class="quiet">{t("joins.none")}</p>}
      <div class="picker">
        {shown.map((join) => (
          <Row key={join.user} join={join} onAnswer={(accept, ban) => answer([join.user], accept, ban)} onBan={() => askToBan(room, join.user)} />
        ))}
      </div>
    </Dialog>
  );
}

/** Ask before somebody is kept out for good; the requests come back afterwards. */
function askToBan(room: RoomState, user: string): void {
  const back = () => void openDialog(async () => JoinsDialog, { room });
  confirm({
    title: t("joins.ban"),
    text: t("joins.ban.text", { name: userOf(user).peek().name }),
    action: t("joins.ban"),
    onConfirm: () => void attempt(() => decide(room.room, [user], false, { ban: true })).then(back),
  });
}

interface RowProps {
  join: Join;
  onAnswer: (accept: boolean, ban?: boolean) => Promise<void>;
  onBan: () => void;
}

function Row({ join, onAnswer, onBan }: RowProps) {
  const user = userOf(join.user).value;
  const by = join.by && join.by !== join.user ? userOf(join.by).value.name : "";
  return (
    <div class="request">
      <a class="request-face" href={hrefOf({ name: "person", user: user.id })} onClick={(event) => (closeDialog(), follow(event))} tabIndex={-1} aria-hidden="true">
        <Avatar {...user} picture={user.avatar} />
      </a>
      <div class="request-text">
        <span class="request-head">
          <a class="line name" href={hrefOf({ name: "person", user: user.id })} onClick={(event) => (closeDialog(), follow(event))}>
            <bdi>{user.name}</bdi>
          </a>
          {join.time !== undefined && <time class="small quiet">{shortTime(join.time)}</time>}
        </span>
        {by && <span class="small quiet">{t("joins.by", { name: by })}</span>}
        <Note note={join.text} />
        <div class="request-deeds">
          <button
            type="button"
            class="button"
            aria-label={t("joins.decline.name", { name: user.name })}
            onClick={(event) => void keepFocus(event, () => onAnswer(false))}
          >
            {t("people.decline")}
          </button>
          <button
            type="button"
            class="button primary"
            aria-label={t("joins.accept.name", { name: user.name })}
            onClick={(event) => void keepFocus(event, () => onAnswer(true))}
          >
            {t("joins.accept")}
          </button>
          <Menu
            label={t("member.actions", { name: user.name })}
            items={[{ icon: "block", label: t("joins.ban"), danger: true, onSelect: onBan }]}
          />
        </div>
      </div>
    </div>
  );
}
