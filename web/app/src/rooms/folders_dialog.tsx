/** The dialog of the folders: their names and their order; and the choice of a folder for a chat. */
import "../groups/group_styles.js";
import { useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { ARCHIVE, moveTo, setFolders, type Folder } from "@chatd/client/conversations";
import { t } from "../locale/locale.js";
import { closeDialog, Dialog, openDialog } from "../shell/dialog.js";
import { attempt, errorText } from "../shell/errors.js";
import { Icon } from "../shell/icons.js";
import { client, type RoomState } from "../shell/state.js";
import { ownFolders } from "./folders.js";

/** Most folders beside the archive, and characters of a name (protocol.md, "preferences"). */
const FOLDERS_MAX = 19;
const NAME_MAX = 32;

/** With a `room`, that is put into the folder which is made. */
export function FoldersDialog({ room }: { room: RoomState | null }) {
  const before = useMemo(ownFolders, []);
  const folders = useSignal(before);
  const problem = useSignal("");
  const rename = (id: number, name: string) => (folders.value = folders.value.map((one) => (one.id === id ? { id, name } : one)));
  const remove = (id: number) => (folders.value = folders.value.filter((one) => one.id !== id));
  const raise = (at: number) => {
    const next = [...folders.value];
    next.splice(at - 1, 2, next[at]!, next[at - 1]!);
    folders.value = next;
  };
  const add = () => {
    const id = [...Array(FOLDERS_MAX).keys()].map((at) => at + ARCHIVE + 1).find((one) => !folders.value.some((other) => other.id === one));
    if (id) folders.value = [...folders.value, { id, name: "" }];
  };
  const save = async () => {
    const named = folders.value.map(({ id, name }) => ({ id, name: name.trim() })).filter(({ name }) => name);
    try {
      await setFolders(client(), named);
      const made = named.find(({ id }) => !before.some((one) => one.id === id));
      if (room && made) await moveTo(room.room, made.id);
      closeDialog();
    } catch (error) {
      problem.value = errorText(error);
    }
  };
  const actions = (
    <button type="submit" class="button primary">
      {t("action.save")}
    </button>
  );
  return (
    <Dialog title={t("folders.title")} actions={actions} onSubmit={() => void save()}>
      <p class="quiet small">{t("folders.text")}</p>
      <div class="folder-rows">
        {folders.value.map(({ id, name }, at) => (
          <div key={id} class="folder-row">
            <input
              class="field"
              dir="auto"
              aria-label={t("folders.name")}
              placeholder={t("folders.name")}
              maxLength={NAME_MAX}
              autoFocus={!name}
              autocomplete="off"
              value={name}
              onInput={(event) => rename(id, event.currentTarget.value)}
            />
            <button type="button" class="icon-button raise" disabled={at === 0} aria-label={t("folders.raise", { name })} onClick={() => raise(at)}>
              <Icon name="down" />
            </button>
            <button type="button" class="icon-button" aria-label={t("folders.remove", { name })} onClick={() => remove(id)}>
              <Icon name="trash" />
            </button>
          </div>
        ))}
      </div>
      <button type="button" class="button" disabled={folders.value.length >= FOLDERS_MAX} onClick={add}>
        <Icon name="plus" />
        {t("folders.new")}
      </button>
      <p class="problem" role="alert">
        {problem}
      </p>
    </Dialog>
  );
}

/** The folder of one chat. */
export function ChooseFolder({ room }: { room: RoomState }) {
  const now = room.summary.value.folder ?? 0;
  const choose = (id: number) => (closeDialog(), void attempt(() => moveTo(room.room, id)));
  const options: Folder[] = [{ id: 0, name: t("folders.none") }, ...ownFolders(), { id: ARCHIVE, name: t("folders.archive") }];
  return (
    <Dialog title={t("folders.choose")}>
      <fieldset class="radios">
        <legend class="unseen">{t("folders.choose")}</legend>
        {options.map(({ id, name }) => (
          <label key={id} class="check">
            <input type="radio" name="folder" checked={now === id} onChange={() => choose(id)} />
            <bdi class="anywhere">{name}</bdi>
          </label>
        ))}
      </fieldset>
      <button type="button" class="button" onClick={() => void openDialog(async () => FoldersDialog, { room })}>
        <Icon name="plus" />
        {t("folders.new")}
      </button>
    </Dialog>
  );
}
