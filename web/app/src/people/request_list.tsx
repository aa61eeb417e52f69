/** The box of message requests: the chats of strangers who wait for an answer. */
import "./people_styles.js";
import { t } from "../locale/locale.js";
import { useEffect } from "preact/hooks";
import { ChatRow, fetchPreview } from "../rooms/chat_row.js";
import { Empty } from "../shell/drawings.js";
import { PageHead } from "../shell/page_head.js";
import { follow, hrefOf } from "../shell/router.js";
import { requestList, type RoomState } from "../shell/state.js";
import { VirtualList } from "../shell/virtual_list.js";

export function RequestList() {
  return (
    <>
      <PageHead title={t("box.title")} />
      {requestList.value.length ? (
        <VirtualList
          label={t("box.title")}
          items={requestList.value}
          keyOf={(room) => room.id}
          row={(room) => <Row room={room} />}
        >
          <p class="box-text quiet small">{t("box.text")}</p>
        </VirtualList>
      ) : (
        <Empty drawing="chats" text={t("box.empty")}>
          <a class="button" href={hrefOf({ name: "chats" })} onClick={follow}>
            {t("nav.chats")}
          </a>
        </Empty>
      )}
    </>
  );
}

/** A request; the push that tells of it has no message. */
function Row({ room }: { room: RoomState }) {
  const { seq } = room.summary.value;
  useEffect(() => void ((room.preview.peek()?.seq ?? 0) < seq && fetchPreview(room)), [room, seq]);
  return <ChatRow room={room} />;
}
