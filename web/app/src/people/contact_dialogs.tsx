/** The dialogs about one contact: the request to be friends, the remark, and the circles. */
import "./people_styles.js";
import { useSignal } from "@preact/signals";
import { t } from "../locale/locale.js";
import { Avatar } from "../shell/avatar.js";
import { circles, circlesOfUser, contactOf } from "../shell/contacts.js";
import { closeDialog, Dialog } from "../shell/dialog.js";
import { follow, hrefOf } from "../shell/router.js";
import { userOf } from "../shell/users.js";
import { Check, Field } from "./fields.js";
import { requestFriend, setContact } from "./verbs.js";

/** Most signs of a note and of a remark (protocol.md, "People"). */
const NOTE_MAX = 200;
const REMARK_MAX = 64;

export function AskFriend({ user, via }: { user: string; via: string }) {
  const note = useSignal("");
  const { name, avatar } = userOf(user).value;
  const send = () => {
    closeDialog();
    void requestFriend(user, note.value.trim(), via);
  };
  const actions = (
    <button type="submit" class="button primary">
      {t("people.ask.send")}
    </button>
  );
  return (
    <Dialog title={t("people.add")} actions={actions} onSubmit={send}>
      <div class="person-line">
        <Avatar id={user} name={name} picture={avatar} size="header" />
        <bdi class="anywhere">{name}</bdi>
      </div>
      <Field label={t("people.ask.note")} hint={t("people.ask.hint")} value={note} max={NOTE_MAX} lines={3} autoFocus />
    </Dialog>
  );
}

export function EditRemark({ user }: { user: string }) {
  const remark = useSignal(contactOf(user)?.remark ?? "");
  const save = async () => {
    closeDialog();
    await setContact(user, { remark: remark.value.trim() });
  };
  const actions = (
    <button type="submit" class="button primary">
      {t("action.save")}
    </button>
  );
  return (
    <Dialog title={t("people.remark")} actions={actions} onSubmit={() => void save()}>
      <Field
        label={t("people.remark.label", { name: userOf(user).value.realName })}
        hint={t("people.remark.hint")}
        value={remark}
        max={REMARK_MAX}
        autoFocus
      />
    </Dialog>
  );
}

export function ChooseCircles({ user }: { user: string }) {
  const chosen = useSignal<ReadonlySet<number>>(new Set(circlesOfUser(user)));
  const toggle = (number: number, on: boolean) => {
    const next = new Set(chosen.value);
    if (on) next.add(number);
    else next.delete(number);
    chosen.value = next;
  };
  const save = async () => {
    closeDialog();
    await setContact(user, { circles: [...chosen.value] });
  };
  const names = [...circles.value.values()];
  const actions = names.length > 0 && (
    <button type="submit" class="button primary">
      {t("action.save")}
    </button>
  );
  return (
    <Dialog title={t("people.circles")} actions={actions} onSubmit={() => void save()}>
      <p class="quiet small">{t(names.length ? "people.circles.hint" : "circles.empty")}</p>
      {names.length > 0 && (
        <div class="checks" role="group" aria-label={t("people.circles")}>
          {names.map(({ number, name }) => (
            <Check key={number} label={name} on={chosen.value.has(number)} onChange={(on) => toggle(number, on)} />
          ))}
        </div>
      )}
      <a
        class="button"
        href={hrefOf({ name: "page", of: "people", page: "circles", id: "" })}
        onClick={(event) => (closeDialog(), follow(event))}
      >
        {t("circles.manage")}
      </a>
    </Dialog>
  );
}
