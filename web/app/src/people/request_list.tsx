/** The box of message requests: the chats of strangers who wait for an answer. */
import "./people_styles.js";
import { t } from "../locale/locale.js";
import { ChatRow } from "../rooms/chat_row.js";
import { Empty } from "../shell/drawings.js";
import { PageHead } from "../shell/page_head.js";
import { follow, hrefOf } from "../shell/router.js";
import { requestList } from "../shell/state.js";
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
          row={(room) => <ChatRow room={room} />}
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
