/** The buttons in the head of a chat, beside that for its details: search, and the bell. */
import { t } from "../locale/locale.js";
import { RoomBell } from "../push/room_notify.js";
import { openSearch } from "../search/open.js";
import { offers, pushOffer } from "../shell/contacts.js";
import { Icon } from "../shell/icons.js";
import { panes } from "../shell/panes.js";
import { me, type RoomState } from "../shell/state.js";

export function HeadButtons({ room }: { room: RoomState }) {
  return (
    <>
      {/* A narrow head is for the name: there the details have the search. */}
      {offers("search") && panes.value > 1 && (
        <button type="button" class="icon-button" aria-label={t("search.here")} title={t("search.here")} onClick={() => openSearch(room.id)}>
          <Icon name="search" />
        </button>
      )}
      {pushOffer.value && room.summary.value.peer !== me.value && <RoomBell room={room} />}
    </>
  );
}
