/** The page Sessions: the connections of one user, or of those who came last. */
import { signal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import { read, type Connection } from "./api.js";
import { useRefresh } from "./condition.js";
import { Connections } from "./connections.js";
import { Empty, Search, Skeleton } from "./parts.js";
import { texts } from "./texts.js";

const EVERY_MS = 5_000;
const words = texts.connections;

const asked = signal("");
const found = signal<{ user: string; rows: readonly Connection[] } | null>(null);

export function SessionsPage({ path: [of] }: { path: readonly string[] }) {
  const [typed, type] = useState(asked.value);
  useEffect(() => {
    if (!of) return;
    asked.value = of;
    type(of);
  }, [of]);
  const user = asked.value;
  useRefresh(
    async () => {
      const rows = await read<Connection[]>(`sessions?user=${encodeURIComponent(user)}`);
      if (rows && user === asked.value) found.value = { user, rows };
    },
    EVERY_MS,
    user,
  );
  const shown = found.value?.user === user ? found.value.rows : null;
  return (
    <>
      <div class="toolbar">
        <Search label={words.search} value={typed} onInput={type} onSubmit={() => (asked.value = typed.trim())} />
        <button type="submit" class="button" onClick={() => (asked.value = typed.trim())}>
          {words.find}
        </button>
        {user && (
          <button
            type="button"
            class="button plain"
            onClick={() => {
              asked.value = "";
              type("");
            }}
          >
            {words.clear}
          </button>
        )}
      </div>
      <p class="lead quiet">
        {user ? words.of(user) : words.newest}. {words.updated}.
      </p>
      {!shown && <Skeleton />}
      {shown && shown.length > 0 && <Connections rows={shown} label={texts.pages.sessions.title} />}
      {shown?.length === 0 && (
        <Empty icon="sessions" title={user ? words.noneOf(user) : words.none} hint={user ? words.noneOfHint : words.noneHint} />
      )}
    </>
  );
}
