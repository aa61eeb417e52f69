/** The circles: groups of friends that only the user sees, to allow and deny things by; and one of them with its people. */
import { useSignal } from "@preact/signals";
import { t } from "../locale/locale.js";
import { notify } from "../shell/announcer.js";
import { allContacts, circles, circlesOfUser } from "../shell/contacts.js";
import { Action, Card } from "../shell/controls.js";
import { closeDialog, confirm, Dialog, openDialog } from "../shell/dialog.js";
import { Empty } from "../shell/drawings.js";
import { attempt } from "../shell/errors.js";
import { Icon } from "../shell/icons.js";
import { PageHead } from "../shell/page_head.js";
import { follow, go, hrefOf, up, type Route } from "../shell/router.js";
import { client } from "../shell/state.js";
import { knownUser, type User } from "../shell/users.js";
import { Check, Field } from "./fields.js";
import { byName, fits, friends } from "./friends.js";
import { People } from "./people_rows.js";
import { setContact } from "./verbs.js";

const NAME_MAX = 64;
/** Friends that are listed; a search finds the others. */
const SHOWN = 100;
const routeOf = (number: number): Route => ({ name: "page", of: "people", page: "circles", id: `${number}` });

export function CirclesPage() {
  const all = [...circles.value.values()];
  const create = () => openDialog(async () => NameCircle, { number: undefined });
  return (
    <>
      <PageHead title={t("people.circles")} />
      {all.length ? (
        <div class="scroller page">
          <p class="page-text">{t("circles.text")}</p>
          <Card>
            {all.map(({ number, name }) => (
              <a key={number} class="setting link" href={hrefOf(routeOf(number))} onClick={follow}>
                <span class={`circle-mark person-${(number % 6) + 1}`} aria-hidden="true">
                  <Icon name="circles" />
                </span>
                <span class="setting-text">
                  <span class="line">
                    <bdi>{name}</bdi>
                  </span>
                  <span class="small quiet">{t("circles.count", { count: membersOf(number).length })}</span>
                </span>
                <Icon name="forward" />
              </a>
            ))}
            <Action icon="plus" label={t("circles.new")} onClick={create} />
          </Card>
        </div>
      ) : (
        <Empty drawing="people" text={t("circles.empty")}>
          <button type="button" class="button primary" onClick={create}>
            {t("circles.new")}
          </button>
        </Empty>
      )}
    </>
  );
}

const membersOf = (number: number): User[] =>
  byName(
    allContacts()
      .filter(({ user }) => circlesOfUser(user).includes(number))
      .map(({ user }) => knownUser(user)),
  );

/** A dialog with the name of a circle, a new one without a number. */
function NameCircle({ number }: { number: number | undefined }) {
  const name = useSignal(number === undefined ? "" : (circles.peek().get(number)?.name ?? ""));
  const save = async () => {
    const wish = name.value.trim();
    const circle = wish ? await attempt(() => client().setCircle(wish, number)) : undefined;
    if (!circle) return;
    closeDialog();
    if (number === undefined) go(routeOf(circle.number));
  };
  const actions = (
    <button type="submit" class="button primary" disabled={!name.value.trim()}>
      {t("action.save")}
    </button>
  );
  return (
    <Dialog
      title={t(number === undefined ? "circles.new" : "circles.rename")}
      actions={actions}
      onSubmit={() => void save()}
    >
      <Field label={t("circles.name")} hint={t("circles.name.hint")} value={name} max={NAME_MAX} autoFocus />
    </Dialog>
  );
}

export function CirclePage({ number }: { number: number }) {
  const name = circles.value.get(number)?.name;
  if (name === undefined) return <Gone />;
  const members = membersOf(number);
  const remove = async (user: string) => {
    const left = circlesOfUser(user).filter((other) => other !== number);
    await setContact(user, { circles: left });
  };
  return (
    <>
      <PageHead title={name}>
        <button
          type="button"
          class="icon-button"
          aria-label={t("circles.rename")}
          onClick={() => void openDialog(async () => NameCircle, { number })}
        >
          <Icon name="edit" />
        </button>
      </PageHead>
      <div class="scroller page">
        <Card>
          <Action
            icon="person-add"
            label={t("circles.add")}
            onClick={() => void openDialog(async () => AddToCircle, { number })}
          />
        </Card>
        {members.length > 0 ? (
          <People label={t("circles.people")} users={members} action="circles.remove" onAction={remove} />
        ) : (
          <p class="page-text">{t("circles.nobody")}</p>
        )}
        <Card>
          <Action icon="trash" label={t("circles.delete")} danger onClick={() => askToDelete(number, name)} />
        </Card>
      </div>
    </>
  );
}

function Gone() {
  return (
    <>
      <PageHead title={t("people.circles")} />
      <Empty drawing="search" text={t("circles.gone")} />
    </>
  );
}

function askToDelete(number: number, name: string): void {
  const drop = async () => {
    await client().deleteCircle(number);
    notify(t("circles.deleted", { name }));
    up();
  };
  confirm({
    title: t("circles.delete"),
    text: t("circles.delete.text", { name }),
    action: t("circles.delete.action"),
    onConfirm: () => void attempt(drop),
  });
}

/** The dialog that puts friends into a circle. */
function AddToCircle({ number }: { number: number }) {
  const chosen = useSignal<ReadonlySet<string>>(new Set());
  const others = friends.value.filter(({ id }) => !circlesOfUser(id).includes(number));
  const toggle = (user: string, on: boolean) => {
    const next = new Set(chosen.value);
    if (on) next.add(user);
    else next.delete(user);
    chosen.value = next;
  };
  const add = async () => {
    closeDialog();
    for (const user of chosen.value) {
      // A refusal, as of a list that is full, would meet the others, too.
      if (!(await setContact(user, { circles: [...circlesOfUser(user), number] }))) return;
    }
  };
  const actions = (
    <button type="submit" class="button primary" disabled={!chosen.value.size}>
      {t("group.add.action", { count: chosen.value.size })}
    </button>
  );
  return (
    <Dialog title={t("circles.add")} actions={actions} onSubmit={() => void add()}>
      {others.length ? (
        <Choices users={others} chosen={chosen.value} toggle={toggle} />
      ) : (
        <p class="quiet">{t("circles.all")}</p>
      )}
    </Dialog>
  );
}

interface ChoicesProps {
  users: readonly User[];
  chosen: ReadonlySet<string>;
  toggle: (user: string, on: boolean) => void;
}

function Choices({ users, chosen, toggle }: ChoicesProps) {
  const search = useSignal("");
  return (
    <>
      <Field label={t("people.search")} value={search} max={NAME_MAX} autoFocus />
      <div class="checks" role="group" aria-label={t("people.friends")}>
        {users
          .filter((user) => chosen.has(user.id) || fits(search.value, user))
          .slice(0, SHOWN)
          .map((user) => (
            <Check key={user.id} label={user.name} on={chosen.has(user.id)} onChange={(on) => toggle(user.id, on)} />
          ))}
      </div>
    </>
  );
}
