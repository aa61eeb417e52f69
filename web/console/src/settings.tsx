/** The page Settings: every setting in force with its origin, the changed ones first. */
import { signal } from "@preact/signals";
import { read, type Setting } from "./api.js";
import { useRefresh } from "./condition.js";
import { setting as shown } from "./format.js";
import { Card, Choice, Empty, Search, Skeleton } from "./parts.js";
import { texts } from "./texts.js";

type Filter = "all" | "changed" | "waiting";

const EVERY_MS = 30_000;
const words = texts.settings;

const settings = signal<readonly Setting[] | null>(null);
const query = signal("");
const filter = signal<Filter>("all");

const isChanged = (one: Setting): boolean => one.origin !== "default";
const isWaiting = (one: Setting): boolean => one.waiting !== undefined;

export function SettingsPage() {
  useRefresh(async () => {
    settings.value = (await read<Setting[]>("config")) ?? settings.value;
  }, EVERY_MS);
  const all = settings.value;
  if (!all) return <Skeleton rows={8} />;
  const waiting = all.filter(isWaiting).length;
  const found = all.filter(matches);
  return (
    <>
      <div class="toolbar">
        <Search label={words.search} value={query.value} onInput={(text) => (query.value = text)} />
        <Choice
          label={words.show}
          value={filter.value}
          options={[
            ["all", words.all],
            ["changed", words.changed],
            ["waiting", words.waiting],
          ]}
          onChange={(next) => (filter.value = next)}
        />
      </div>
      {waiting > 0 && <p class="notice warn">{words.waitingCount(waiting)}</p>}
      <p class="lead quiet" role="status">
        {words.found(found.length)}
      </p>
      {found.length ? groups(found).map(([title, rows]) => <Group key={title} title={title} rows={rows} />) : <Nothing />}
    </>
  );
}

function matches(one: Setting): boolean {
  if (filter.value === "changed" && !isChanged(one)) return false;
  if (filter.value === "waiting" && !isWaiting(one)) return false;
  const text = `${one.key} ${shown(one.value)} ${one.about} ${one.origin}`.toLowerCase();
  return query.value
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}

/** The changed ones together, then the others by section. */
function groups(found: readonly Setting[]): [string, Setting[]][] {
  const all = new Map<string, Setting[]>();
  const changed = found.filter((one) => isChanged(one) || isWaiting(one));
  if (changed.length) all.set(words.changedGroup, changed);
  for (const one of found) {
    if (changed.includes(one)) continue;
    const title = words.defaultsGroup(one.key.split(".")[0] ?? "");
    all.set(title, [...(all.get(title) ?? []), one]);
  }
  return [...all];
}

function Group({ title, rows }: { title: string; rows: readonly Setting[] }) {
  return (
    <Card title={title} class="settings">
      <ul>
        {rows.map((one) => (
          <Row key={one.key} one={one} />
        ))}
      </ul>
    </Card>
  );
}

function Row({ one }: { one: Setting }) {
  return (
    <li>
      <div>
        <code class="key">{one.key}</code>
        <p class="about">
          {one.about} {words.counts[one.counts]}
        </p>
      </div>
      <div class="setting-value">
        <code>{shown(one.value)}</code>
        <span class={isChanged(one) ? "pill accent" : "pill"}>{isChanged(one) ? one.origin : words.default}</span>
        {isChanged(one) && (
          <span class="quiet small">
            {words.was} <code>{shown(one.default)}</code>
          </span>
        )}
      </div>
      {isWaiting(one) && (
        <p class="setting-waits">
          {words.waits} <code>{shown(one.waiting)}</code>, {words.from} {one.waiting_origin}
        </p>
      )}
    </li>
  );
}

function Nothing() {
  if (query.value) return <Empty icon="search" title={words.none} hint={words.noneHint} />;
  if (filter.value === "waiting") return <Empty icon="check" title={words.noneWaiting} hint={words.noneWaitingHint} />;
  return <Empty icon="settings" title={words.noneChanged} hint={words.noneChangedHint} />;
}
