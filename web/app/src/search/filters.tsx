/** What narrows a search: who wrote it, what it has, and when. */
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { t } from "../locale/locale.js";
import { Choice } from "../shell/controls.js";
import { allRooms, client, me } from "../shell/state.js";
import { userOf } from "../shell/users.js";
import type { Period, SearchModel } from "./model.js";

const KINDS = ["", "image", "video", "voice", "file", "link", "mention"] as const;
const PERIODS: readonly Period[] = ["", "day", "week", "month", "year", "days"];
/** Most people to choose from. */
const PEOPLE_MAX = 200;

export function Filters({ model }: { model: SearchModel }) {
  const people = usePeople(model.room);
  const set = (change: () => void) => (change(), void model.go());
  const names = people.map((user) => ({ value: user, label: userOf(user).value.name }));
  names.sort((one, other) => one.label.localeCompare(other.label));
  const { from, has, period, first, last } = model;
  return (
    <details class="filters" open={Boolean(from.value || has.value || period.value)}>
      <summary>{t("search.filters")}</summary>
      <Choice
        label={t("search.from")}
        value={from.value}
        options={[{ value: "", label: t("search.anybody") }, { value: me.value, label: t("chat.you") }, ...names]}
        onChange={(next) => set(() => (from.value = next))}
      />
      <Choice
        label={t("search.has")}
        value={has.value}
        options={KINDS.map((value) => ({ value, label: t(`search.has.${value || "any"}`) }))}
        onChange={(next) => set(() => (has.value = next))}
      />
      <Choice
        label={t("search.when")}
        value={period.value}
        options={PERIODS.map((value) => ({ value, label: t(`search.when.${value || "any"}`) }))}
        onChange={(next) => set(() => (period.value = next))}
      />
      {period.value === "days" && (
        <div class="filter-days">
          <Day label={t("search.first")} value={first.value} onChange={(next) => set(() => (first.value = next))} />
          <Day label={t("search.last")} value={last.value} onChange={(next) => set(() => (last.value = next))} />
        </div>
      )}
    </details>
  );
}

function Day({ label, value, onChange }: { label: string; value: string; onChange: (value: string) => void }) {
  return (
    <label>
      <span class="small quiet">{label}</span>
      <input type="date" class="field" value={value} onChange={(event) => onChange(event.currentTarget.value)} />
    </label>
  );
}

/** The people who may have written: the members of the room, or all with whom there is a chat. */
function usePeople(room: string): readonly string[] {
  const people = useSignal<readonly string[]>([]);
  useEffect(() => {
    const direct = room ? [client().room(room).summary.peer] : allRooms().map(({ summary }) => summary.peek().peer);
    const known = direct.filter((user) => user && user !== me.peek());
    people.value = known.slice(0, PEOPLE_MAX);
    if (!room || known.length) return;
    void (async () => {
      const found: string[] = [];
      try {
        for await (const { user } of client().room(room).members()) {
          if (user !== me.peek()) found.push(user);
          if (found.length === PEOPLE_MAX) break;
        }
      } catch {
        // Without them, the search goes by words.
      }
      people.value = found;
    })();
  }, [room]);
  return people.value;
}
