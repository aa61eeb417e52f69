/** A message that was found: where, whose, when, and its words. */
import { t, number } from "../locale/locale.js";
import { shortTime } from "../locale/dates.js";
import type { Hit } from "@chatd/client/search";
import { faceOf, titleOf } from "../rooms/names.js";
import { wordsOf } from "../shell/attachment_words.js";
import { Avatar } from "../shell/avatar.js";
import { isBlocked } from "../shell/contacts.js";
import { me, roomOf } from "../shell/state.js";
import { userOf } from "../shell/users.js";
import { excerptOf } from "./excerpt.js";
import type { SearchModel } from "./model.js";
import { openSearch } from "./open.js";
import { showMessage } from "./wanted.js";

/** The number up to which the server counts the hits of a room. */
const COUNTED = 10;

export function HitRow({ hit: { event, room = "", count = 1 }, model }: { hit: Hit; model: SearchModel }) {
  const state = room ? roomOf(room) : null;
  const author = userOf(event.user ?? "").value;
  const face = state ? faceOf(state) : { ...author, picture: author.avatar };
  const open = () => {
    if (count > 1) openSearch(room, model.searched.peek());
    else showMessage(room || model.room, event.seq);
  };
  const name = event.user === me.value ? t("chat.you") : author.name;
  return (
    <button type="button" class="hit" onClick={open}>
      <Avatar {...face} size="header" />
      <span class="hit-text">
        <span class="hit-head">
          <span class="line name">
            <bdi>{state ? titleOf(state) : name}</bdi>
          </span>
          <time class="small quiet">{shortTime(event.time ?? 0)}</time>
        </span>
        <span class="hit-words">
          {state && !state.summary.value.peer && (
            <>
              <bdi>{name}</bdi>:{" "}
            </>
          )}
          <Words hit={event} query={model.searched.value} />
        </span>
        {count > 1 && (
          <span class="hit-more small">{count < COUNTED ? t("search.count", { count }) : t("search.many", { number: number(COUNTED) })}</span>
        )}
      </span>
    </button>
  );
}

function Words({ hit: { user = "", body }, query }: { hit: Hit["event"]; query: string }) {
  if (isBlocked(user)) return <i>{t("row.covered")}</i>;
  const pieces = excerptOf(body, query);
  if (!pieces.length) return <bdi>{wordsOf(body)}</bdi>;
  return <bdi>{pieces.map(({ text, marked }, at) => (marked ? <mark key={at}>{text}</mark> : text))}</bdi>;
}
