/** The page of a user. */
import { useComputed } from "@preact/signals";
import { t } from "../locale/locale.js";
import { RoomSettings } from "../rooms/room_settings.js";
import { PageHead } from "../shell/page_head.js";
import { allRooms } from "../shell/state.js";
import { PersonCard } from "./person_card.js";

export function PersonPage({ user }: { user: string }) {
  const room = useComputed(() => allRooms().find((candidate) => candidate.summary.value.peer === user)).value;
  return (
    <>
      <PageHead title={t("person.title")} />
      <div class="scroller page">
        <PersonCard user={user} />
        {room && <RoomSettings room={room} />}
      </div>
    </>
  );
}
