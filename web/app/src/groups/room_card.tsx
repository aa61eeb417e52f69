/** A group as a stranger sees it, before they enter. */
import "./group_styles.js";
import type { RoomCard as Card } from "@chatd/client/conversations";
import { t } from "../locale/locale.js";
import { Avatar, colourOf } from "../shell/avatar.js";

/** `id`: what gives it a colour, where the card has no room. */
export function RoomCard({ card, id }: { card: Card; id: string }) {
  const { room = id, title = "", avatar, about, tags = [], members = 0, kind } = card;
  const name = title || t("room.untitled");
  return (
    <section class="home room-card" aria-label={name}>
      <div class={`cover cover-${colourOf(room)}`} />
      <Avatar id={room} name={name} picture={avatar} size="card" />
      <h2 class="home-name">
        <bdi>{name}</bdi>
      </h2>
      <p class="small quiet">
        {t(kind === "channel" ? "card.channel" : "card.group")} · {t(kind === "channel" ? "room.followers" : "room.members", { count: members })}
      </p>
      {about && (
        <p class="room-about" dir="auto">
          {about}
        </p>
      )}
      <Tags tags={tags} />
    </section>
  );
}

export function Tags({ tags }: { tags: readonly string[] }) {
  if (!tags.length) return null;
  return (
    <ul class="room-tags" aria-label={t("about.tags")}>
      {tags.map((tag) => (
        <li key={tag} dir="auto">{`#${tag}`}</li>
      ))}
    </ul>
  );
}
