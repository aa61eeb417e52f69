/** The dialog that finds somebody by their user id or their @handle, and shows their card. */
import "./people_styles.js";
import { useSignal } from "@preact/signals";
import { t } from "../locale/locale.js";
import { notify } from "../shell/announcer.js";
import { closeDialog, Dialog } from "../shell/dialog.js";
import { attempt, errorText } from "../shell/errors.js";
import { Icon } from "../shell/icons.js";
import { go } from "../shell/router.js";
import { client, me } from "../shell/state.js";
import { userOf } from "../shell/users.js";
import { Field } from "./fields.js";
import { USER_ID } from "./picker.js";

const MAX = 65;

export function AddFriend() {
  const text = useSignal("");
  const problem = useSignal("");
  const busy = useSignal(false);
  const find = async () => {
    const wanted = text.value.trim();
    if (!wanted || busy.value) return;
    busy.value = true;
    try {
      const user = await lookUp(wanted);
      problem.value = user ? "" : t("add.none");
      if (user) (closeDialog(), go({ name: "person", user }));
    } catch (error) {
      problem.value = errorText(error);
    } finally {
      busy.value = false;
    }
  };
  const actions = (
    <button type="submit" class="button primary" disabled={!text.value.trim()}>
      {t("add.find")}
    </button>
  );
  return (
    <Dialog title={t("people.add")} actions={actions} onSubmit={() => void find()}>
      <Field
        label={t("add.label")}
        hint={t("add.hint")}
        problem={problem.value}
        value={text}
        max={MAX}
        placeholder={t("add.placeholder")}
        autoFocus
      />
      <Own />
    </Dialog>
  );
}

/** Return the user with a handle, with or without its `@`, else the one with this id. */
async function lookUp(wanted: string): Promise<string | undefined> {
  const handle = /^@?([\p{L}\p{N}_.]{3,32})$/u.exec(wanted)?.[1];
  const found = handle && (await client().findUser(handle.toLowerCase()));
  if (found || wanted.startsWith("@") || !USER_ID.test(wanted)) return found ? found.user : undefined;
  const [entry] = await client().fetchUsers([wanted]);
  return entry?.user;
}

/** The own handle, or id, for others to find. */
function Own() {
  const { id, handle } = userOf(me.value).value;
  const shown = handle ? `@${handle}` : id;
  const copy = async () => {
    await navigator.clipboard.writeText(shown);
    notify(t("person.copied"));
  };
  return (
    <div class="own-id">
      <span class="setting-text">
        <span class="small quiet">{t(handle ? "add.own.handle" : "add.own.id")}</span>
        <span class="anywhere">{shown}</span>
      </span>
      <button type="button" class="icon-button" aria-label={t("add.copy")} onClick={() => void attempt(copy)}>
        <Icon name="copy" />
      </button>
    </div>
  );
}
