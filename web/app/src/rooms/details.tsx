/** The details of a chat: the card of a direct room's other user, or the page of a group. */
import "../style/pages.js";
import { t } from "../locale/locale.js";
import { PersonCard } from "../people/person_card.js";
import { HomeCard } from "../people/person_page.js";
import { peopleOn } from "../shell/contacts.js";
import { PageHead } from "../shell/page_head.js";
import { roomOf } from "../shell/state.js";
import { GroupDetails } from "./group_details.js";
import { RoomSettings } from "./room_settings.js";

/** With `page` they fill a pane of their own, with a way back. */
export function Details({ room: id, page = false }: { room: string; page?: boolean }) {
  const room = roomOf(id);
  if (!room) return null;
  const { peer } = room.summary.value;
  return (
    <>
      {page && <PageHead title={t("nav.details")} />}
      {peer ? (
        <div class="scroller">
          {peopleOn.value ? <HomeCard key={peer} user={peer} room={room} /> : <PersonCard user={peer} room={room} />}
          <RoomSettings room={room} />
        </div>
      ) : (
        <GroupDetails room={room} />
      )}
    </>
  );
}
