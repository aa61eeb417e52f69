/** Above the list of chats: what was offered to the user, and the folders; the way on from a search by name. */
import "../groups/group_styles.js";
import { useEffect } from "preact/hooks";
import { ARCHIVE, type Folder } from "@chatd/client/conversations";
import { ownJoins } from "../groups/own_joins.js";
import { t } from "../locale/locale.js";
import { openSearch } from "../search/open.js";
import { offers } from "../shell/contacts.js";
import { Count } from "../shell/count.js";
import { openDialog } from "../shell/dialog.js";
import { Empty } from "../shell/drawings.js";
import { Icon, type IconName } from "../shell/icons.js";
import { allRooms, folder, preferences, showFolder } from "../shell/state.js";
import { foundRooms, query } from "./search.js";

/** The folders that the user made. */
export const ownFolders = (): readonly Folder[] => (preferences.value.folders ?? []) as readonly Folder[];

export const editFolders = () => openDialog(async () => (await import("./folders_dialog.js")).FoldersDialog, { room: null });

export function Folders() {
  return query.value ? <InMessages /> : <Above />;
}

/** The way from a search for chats to one in their messages. */
function InMessages() {
  const text = query.value.trim();
  if (!text || !offers("search")) return null;
  return (
    <button type="button" class="requests-row" onClick={() => openSearch("", text)}>
      <Icon name="search" />
      <span class="line">{t("search.row", { text })}</span>
      <Icon name="forward" />
    </button>
  );
}

function Above() {
  const own = ownFolders();
  const unreadOf = (id: number) =>
    allRooms().filter(({ summary, unread }) => (summary.value.folder ?? 0) === id && !summary.value.hidden && unread.value > 0).length;
  const hasArchive = allRooms().some(({ summary }) => summary.value.folder === ARCHIVE && !summary.value.hidden);
  const shown = own.length > 0 || hasArchive;
  const isThere = folder.value === 0 || (folder.value === ARCHIVE ? hasArchive : own.some(({ id }) => id === folder.value));
  // A folder that is gone, or an archive without chats, is not shown any longer.
  useEffect(() => void (isThere || showFolder(0)), [isThere]);
  return (
    <>
      <Invitations />
      {shown && (
        <nav class="folders" aria-label={t("folders.title")}>
          <Tab id={0} label={t("folders.all")} icon="chat" count={0} />
          {own.map(({ id, name }) => (
            <Tab key={id} id={id} label={name} count={unreadOf(id)} />
          ))}
          {hasArchive && <Tab id={ARCHIVE} label={t("folders.archive")} icon="archive" count={0} />}
          <button type="button" class="folder" aria-label={t("folders.edit")} title={t("folders.edit")} onClick={() => void editFolders()}>
            <Icon name="edit" />
          </button>
        </nav>
      )}
      {folder.value > 0 && isThere && !foundRooms.value.length && <Empty drawing="chats" text={t("folders.empty")} />}
    </>
  );
}

function Tab({ id, label, icon, count }: { id: number; label: string; icon?: IconName; count: number }) {
  return (
    <button type="button" class="folder" aria-pressed={folder.value === id} onClick={() => showFolder(id)}>
      {icon && <Icon name={icon} />}
      <bdi class="line">{label}</bdi>
      {count > 0 && <Count count={count} muted label={t("folders.unread", { count })} />}
    </button>
  );
}

/** The way to what was offered, and to what the user asked for. */
function Invitations() {
  const offered = ownJoins.value.filter(({ kind }) => kind === "offered");
  if (!ownJoins.value.length) return null;
  const names = ownJoins.value.map(({ card }) => card?.title || t("room.untitled")).join(t("names.separator"));
  const open = () => openDialog(async () => (await import("../groups/invitations_dialog.js")).InvitationsDialog, {});
  return (
    <button type="button" class="requests-row" onClick={() => void open()}>
      <Icon name="people" />
      <span>{offered.length ? t("offers.row", { count: offered.length }) : t("offers.asked.row", { count: ownJoins.value.length })}</span>
      <span class="line quiet small">
        <bdi>{names}</bdi>
      </span>
      <Icon name="forward" />
    </button>
  );
}
