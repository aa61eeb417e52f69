/** The members of a group who have read an own message: the first of them, and how many. */
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { t } from "../locale/locale.js";
import { Icon } from "../shell/icons.js";
import { userOf } from "../shell/users.js";
import type { Chat } from "./chat.js";

/** Readers who are named. */
const NAMED = 3;

export function ReadBy({ chat, seq }: { chat: Chat; seq: number }) {
  const read = useSignal<{ count: number; users: readonly string[] } | null>(null);
  useEffect(() => {
    void chat.state.room.readers(seq, { limit: NAMED + 1 }).then(
      ({ count, readers }) => (read.value = { count, users: [...readers.keys()].slice(0, NAMED) }),
      () => (read.value = null),
    );
  }, [seq]);
  return (
    <div class="read-by quiet small">
      <Icon name="eye" />
      <span class="line">{textOf(read.value)}</span>
    </div>
  );
}

function textOf(read: { count: number; users: readonly string[] } | null): string {
  if (!read) return "…";
  if (read.count === 0) return t("chat.read-by-none");
  const names = read.users.map((user) => userOf(user).value.name).join(t("names.separator"));
  const others = read.count - read.users.length;
  return others > 0 ? t("chat.read-by-more", { names, count: others }) : t("chat.read-by", { names });
}
