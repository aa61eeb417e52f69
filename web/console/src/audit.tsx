/** The page Audit, and the entries about one user, room or key. */
import { signal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import { when } from "./format.js";
import { call, may, usePages, type Route } from "./host_api.js";
import { Listed, Table, to } from "./host_parts.js";
import { hostTexts } from "./host_texts.js";
import { Card, Search } from "./parts.js";
import type { AuditEntry } from "./routes.js";
import { texts } from "./texts.js";

const words = hostTexts.audit;
const target = signal("");

export function AuditPage() {
  const [typed, type] = useState(target.value);
  const pages = usePages("GET /v1/audit", { target: target.value }, (answer) => answer.audit);
  const find = (): void => void (target.value = typed.trim());
  return (
    <>
      <div class="toolbar">
        <Search label={words.search} value={typed} onInput={type} onSubmit={find} />
        <button type="submit" class="button" onClick={find}>
          {words.find}
        </button>
        {target.value && (
          <button
            type="button"
            class="button plain"
            onClick={() => {
              target.value = "";
              type("");
            }}
          >
            {words.all}
          </button>
        )}
      </div>
      <p class="lead quiet">{words.lead}</p>
      <Listed pages={pages} icon="audit" none={target.value ? words.noneOf(target.value) : words.none} hint={words.noneHint}>
        {(rows) => <Entries rows={rows} label={texts.pages.audit.title} />}
      </Listed>
    </>
  );
}

/** The entries about one user, room or key, as a part of its page. */
export function AuditOf({ target: about, title }: { target: string; title: string }) {
  const pages = usePages("GET /v1/audit", { target: about, limit: 20 }, (answer) => answer.audit);
  return (
    <Card title={title} class="flush">
      {pages.rows?.length === 0 ? (
        <p class="quiet">{words.noneOf(about)}.</p>
      ) : (
        <Listed pages={pages} icon="audit" none="" hint="">
          {(rows) => <Entries rows={rows} label={words.entries} isOfOne />}
        </Listed>
      )}
    </Card>
  );
}

interface EntriesProps {
  rows: readonly AuditEntry[];
  label: string;
  /** Whether all are about the same. */
  isOfOne?: boolean;
}

function Entries({ rows, label, isOfOne }: EntriesProps) {
  const names = useKeyNames();
  const { columns } = words;
  const shown = [[columns.time], [columns.key], [columns.action]] as const;
  return (
    <Table label={label} columns={isOfOne ? shown : [...shown, [columns.target]]}>
      {rows.map((row, place) => (
        <tr key={`${row.request} ${place}`} title={row.request}>
          <th scope="row" class="plain-head">
            {when(row.time)}
          </th>
          <td data-name={columns.key}>
            {nameOf(row.key, names)}
            {row.as && <span class="quiet small block">{words.as(row.as)}</span>}
          </td>
          <td data-name={columns.action} class="long">
            {words.actions[row.action] ?? <code>{row.action}</code>}
            {words.actions[row.action] && <code class="quiet block">{row.action}</code>}
          </td>
          {!isOfOne && (
            <td data-name={columns.target}>
              <Target {...row} />
            </td>
          )}
        </tr>
      ))}
    </Table>
  );
}

/** The pages of what routes are about, by the parameter in the path, and what a visitor must be allowed for one. */
const PAGES: readonly (readonly [string, string, Route])[] = [
  ["{user}", "people", "GET /v1/users/{user}"],
  ["{room}", "rooms", "GET /v1/rooms/{room}"],
  ["{report}", "reports", "GET /v1/reports/{report}"],
  ["{filter}", "filters", "GET /v1/filters/{filter}"],
  ["{name}", "delivery", "GET /v1/hooks/{name}"],
];

function Target({ action, target }: AuditEntry) {
  const code = <code>{target}</code>;
  const found = PAGES.find(([parameter, , route]) => action.includes(parameter) && may(route));
  return found ? <a href={to(found[1], target)}>{code}</a> : code;
}

/** The names of the keys by their ids, for those who may list keys. */
export function useKeyNames(): ReadonlyMap<string, string> {
  const [names, setNames] = useState<ReadonlyMap<string, string>>(new Map());
  useEffect(() => {
    if (!may("GET /v1/keys")) return;
    void call("GET /v1/keys", {}).then(({ value }) => setNames(new Map(value?.keys.map(({ id, name }) => [id, name]))));
  }, []);
  return names;
}

export function nameOf(key: string, names: ReadonlyMap<string, string>): string {
  if (key === "socket") return words.socket;
  return key.startsWith("console:") ? words.console(key.slice("console:".length)) : (names.get(key) ?? key);
}
