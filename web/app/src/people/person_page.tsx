/** The page of a user. */
import "../style/pages.js";
import { useComputed } from "@preact/signals";
import { t } from "../locale/locale.js";
import { RoomSettings } from "../rooms/room_settings.js";
import { PageHead } from "../shell/page_head.js";
import { allRooms } from "../shell/state.js";
import { peopleOn } from "../shell/contacts.js";
import { lazy } from "../shell/lazy.js";
import { PersonCard } from "./person_card.js";

export const HomeCard = lazy(async () => (await import("./home_card.js")).HomeCard);

export function PersonPage({ user }: { user: string }) {
  const room = useComputed(() => allRooms().find((candidate) => candidate.summary.value.peer === user)).value;
  return (
    <>
      <PageHead title={t("person.title")} />
      <div class="scroller page">
        {peopleOn.value ? <HomeCard key={user} user={user} /> : <PersonCard user={user} />}
        {room && <RoomSettings room={room} />}
      </div>
    </>
  );
}
