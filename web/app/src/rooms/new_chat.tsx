/** The dialog that begins a chat: with one person, or a group. */
import "../style/pages.js";
import { useSignal } from "@preact/signals";
import { ChatError, type Room } from "@chatd/client";
import { createRoom } from "@chatd/client/conversations";
import { t } from "../locale/locale.js";
import { offers, peopleOn } from "../shell/contacts.js";
import { openDirect } from "../people/open_direct.js";
import { tellNotAdded } from "../people/not_added.js";
import { Chosen, Picker } from "../people/picker.js";
import { closeDialog, Dialog, openDialog } from "../shell/dialog.js";
import { attempt, errorText } from "../shell/errors.js";
import { Action, Segments } from "../shell/controls.js";
import { go } from "../shell/router.js";
import { client, me } from "../shell/state.js";
import { TitleField } from "./edit_title.js";
import { query } from "./search.js";

type Kind = "person" | "group" | "channel";

/** Return those of the users who are not in a room. */
async function notIn(room: Room, users: readonly string[]): Promise<string[]> {
  const members = new Set<string>();
  for await (const { user } of room.members()) members.add(user);
  return users.filter((user) => !members.has(user));
}

const discover = () => openDialog(async () => (await import("../groups/discover_dialog.js")).DiscoverDialog, {});

/** `name` is what was looked for in the list. */
export function NewChat({ name }: { name: string }) {
  const kind = useSignal<Kind>("person");
  const search = useSignal(name.trim());
  const [title, problem] = [useSignal(""), useSignal("")];
  const users = useSignal<readonly string[]>([]);
  const begin = async (user: string) => {
    closeDialog();
    query.value = "";
    await openDirect(user);
  };
  const create = async () => {
    if (kind.value === "channel") return createChannel();
    if (kind.value !== "group" || !title.value.trim()) return;
    const wish = { title: title.value.trim(), users: [...users.value] };
    const room = await attempt(() => client().createGroup(wish));
    if (!room) return;
    closeDialog();
    go({ name: "chat", room: room.id, about: false });
    const left = peopleOn.value && wish.users.length ? await attempt(() => notIn(room, wish.users)) : [];
    if (left?.length) tellNotAdded(left);
  };
  const createChannel = async () => {
    if (!title.value.trim()) return;
    problem.value = "";
    try {
      const room = await createRoom(client(), { kind: "channel", title: title.value.trim() });
      closeDialog();
      go({ name: "chat", room, about: false });
    } catch (error) {
      const isRefused = error instanceof ChatError && error.code === "forbidden";
      problem.value = isRefused ? t("channel.refused") : errorText(error);
    }
  };
  const actions = kind.value !== "person" && (
    <button type="submit" class="button primary" disabled={!title.value.trim()}>
      {t(kind.value === "channel" ? "channel.create" : "new.create")}
    </button>
  );
  const kinds = [
    { value: "person", label: t("new.person"), icon: "person" },
    { value: "group", label: t("new.group"), icon: "people" },
    ...(offers("channels") ? [{ value: "channel", label: t("card.channel"), icon: "megaphone" } as const] : []),
  ] as const;
  return (
    <Dialog title={t("chats.new")} actions={actions} onSubmit={() => void create()}>
      <Segments label={t("new.kind")} value={kind.value} options={kinds} onChange={(next) => (kind.value = next)} />
      {kind.value === "person" ? (
        <>
          {!search.value && (
            <div class="picker">
              {offers("discovery") && <Action icon="search" label={t("discover.title")} hint={t("discover.action.hint")} onClick={discover} />}
              <Action icon="edit" label={t("room.self")} hint={t("room.self.hint")} onClick={() => void begin(me.value)} />
            </div>
          )}
          <Picker icon="chat" search={search} onPick={(user) => void begin(user)} />
        </>
      ) : kind.value === "channel" ? (
        <>
          <TitleField label={t("channel.title")} value={title.value} onInput={(next) => (title.value = next)} />
          <p class="problem" role="alert">
            {problem}
          </p>
          <p class="quiet small">{t("channel.create.hint")}</p>
        </>
      ) : (
        <>
          <TitleField value={title.value} onInput={(next) => (title.value = next)} />
          <Chosen users={users.value} onRemove={(user) => (users.value = users.value.filter((other) => other !== user))} />
          <Picker icon="plus" search={search} without={users.value} onPick={(user) => (users.value = [...users.value, user])} />
        </>
      )}
    </Dialog>
  );
}
