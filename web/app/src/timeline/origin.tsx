/** Above a forwarded message: that it is one, and where it comes from, as far as that is told. */
import type { Body } from "@chatd/client";
import { t } from "../locale/locale.js";
import { dateAndTime } from "../locale/dates.js";
import { titleOf } from "../rooms/names.js";
import { Icon } from "../shell/icons.js";
import { follow, hrefOf } from "../shell/router.js";
import { roomOf } from "../shell/state.js";
import { userOf } from "../shell/users.js";

export function Origin({ from }: { from: NonNullable<Body["forwarded"]> }) {
  const { room, user, time } = from;
  const known = room ? roomOf(room) : undefined;
  const name = known ? titleOf(known) : user ? userOf(user).value.name : "";
  const words = name ? t("chat.forwarded.from", { name }) : t(room ? "chat.forwarded.channel" : "chat.forwarded");
  const href = room ? hrefOf({ name: "chat", room, about: false }) : user ? hrefOf({ name: "person", user }) : "";
  const title = time ? dateAndTime(time) : undefined;
  const inside = (
    <>
      <Icon name="share" />
      <span class="line">{words}</span>
    </>
  );
  if (!href) return <span class="origin">{inside}</span>;
  return (
    <a class="origin" href={href} onClick={follow} title={title}>
      {inside}
    </a>
  );
}
