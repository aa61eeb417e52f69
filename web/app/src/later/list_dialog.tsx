/** The list of messages that are sent later, and of those that could not be sent. */
import "../search/styles.js";
import { useLayoutEffect, useRef } from "preact/hooks";
import { cancelScheduled, schedule } from "@chatd/client/conversations";
import { momentOf } from "../locale/moments.js";
import { t } from "../locale/locale.js";
import { titleOf } from "../rooms/names.js";
import { wordsOf } from "../shell/attachment_words.js";
import { confirm, Dialog, openDialog } from "../shell/dialog.js";
import { attempt, errorText } from "../shell/errors.js";
import { Menu, type MenuItem } from "../shell/menu.js";
import { client, roomOf } from "../shell/state.js";
import { openLater } from "./open.js";
import { laterIn, type Later } from "./waiting.js";

export function LaterDialog({ room }: { room: string }) {
  const shown = laterIn(room);
  const list = useRef<HTMLUListElement>(null);
  // The row that had the focus may have gone: it stays in the dialog.
  useLayoutEffect(() => {
    const dialog = list.current!.closest("dialog")!;
    const { activeElement } = dialog.getRootNode() as Document | ShadowRoot;
    if (!dialog.contains(activeElement)) dialog.querySelector("button")!.focus();
  }, [shown.length]);
  return (
    <Dialog title={t("later.list")}>
      {!shown.length && <p class="quiet">{t("later.none")}</p>}
      <ul ref={list} class="hits">
        {shown.map((row) => (
          <li key={row.key} class="later">
            <Row row={row} room={room} />
          </li>
        ))}
      </ul>
    </Dialog>
  );
}

function Row({ row, room }: { row: Later; room: string }) {
  const state = room ? null : roomOf(row.room);
  const words = row.body.text || wordsOf(row.body);
  return (
    <>
      <div class="hit-text">
        {!room && (
          <span class="line name">
            <bdi>{state ? titleOf(state) : t("room.untitled")}</bdi>
          </span>
        )}
        <bdi class="later-words">{words}</bdi>
        {row.error ? (
          <span class="small problem">{t("later.failed", { why: errorText({ code: row.error }) })}</span>
        ) : (
          <time class="small quiet">{momentOf(row.at)}</time>
        )}
      </div>
      <Menu label={t("later.actions", { text: words.slice(0, 40) })} items={itemsOf(row, room)} />
    </>
  );
}

function itemsOf(row: Later, back: string): MenuItem[] {
  const room = client().room(row.room);
  const cancel = () =>
    confirm({
      title: t("later.cancel"),
      text: t("later.cancel.text"),
      action: t("later.cancel"),
      onConfirm: () => void attempt(() => cancelScheduled(room, row.key)).then(() => openLater(back)),
    });
  return [
    { icon: "send", label: t("later.now"), onSelect: () => void attempt(() => schedule(client(), room, row.body, 0, row.key)) },
    {
      icon: "edit",
      label: t("later.change"),
      onSelect: () => void openDialog(async () => (await import("./change_dialog.js")).ChangeDialog, { row, back }),
    },
    { icon: "trash", label: t("later.cancel"), danger: true, onSelect: cancel },
  ];
}
