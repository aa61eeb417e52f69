/** The page Reports: the queue of the moderators, the most reported first, and one report. */
import { signal } from "@preact/signals";
import { nameOf, useKeyNames } from "./audit.js";
import { when } from "./format.js";
import { usePages } from "./host_api.js";
import { Listed, Table, to } from "./host_parts.js";
import { moderationTexts } from "./moderation_texts.js";
import { Choice } from "./parts.js";
import { ReportPage } from "./report.js";
import type { ReportRow } from "./routes.js";
import { texts } from "./texts.js";

const words = moderationTexts.reports;
type State = ReportRow["state"];
const STATES: State[] = ["open", "claimed", "closed"];
const state = signal<State>("open");

export function ReportsPage({ path: [report] }: { path: readonly string[] }) {
  return report ? <ReportPage key={report} report={report} /> : <Queue />;
}

function Queue() {
  const pages = usePages("GET /v1/reports", { state: state.value }, (answer) => answer.reports);
  const names = useKeyNames();
  const { columns } = words;
  return (
    <>
      <div class="toolbar">
        <Choice
          label={words.state}
          value={state.value}
          options={STATES.map((one) => [one, words.states[one]] as const)}
          onChange={(next) => (state.value = next)}
        />
      </div>
      <Listed pages={pages} icon="reports" none={words.none[state.value]} hint={words.noneHint}>
        {(rows) => (
          <Table
            label={texts.pages.reports.title}
            columns={[[columns.report], [columns.about], [columns.reason], [columns.reporters, "end"], [columns.by], [columns.time]]}
          >
            {rows.map((row) => (
              <Row key={row.report} row={row} names={names} />
            ))}
          </Table>
        )}
      </Listed>
    </>
  );
}

function Row({ row, names }: { row: ReportRow; names: ReadonlyMap<string, string> }) {
  const { report, reporters, reporter, filter, time, claimed_by: claimed } = row;
  const { columns } = words;
  return (
    <tr>
      <th scope="row">
        <a class="row-link" href={to("reports", report)}>
          {report}
        </a>
        {claimed && <span class="quiet small block">{nameOf(claimed, names)}</span>}
      </th>
      <td data-name={columns.about} class="long">
        <About {...row} />
      </td>
      <td data-name={columns.reason}>
        <Reason {...row} />
      </td>
      <td data-name={columns.reporters} class="number">
        {reporters}
      </td>
      <td data-name={columns.by}>
        <bdi>{filter ? words.filter(filter) : reporter}</bdi>
      </td>
      <td data-name={columns.time}>{when(time)}</td>
    </tr>
  );
}

/** Whom or what a report is about, in few words. */
function About({ user, room, seq }: ReportRow) {
  return (
    <>
      {user && <bdi>{user}</bdi>}
      {room && (
        <span class="quiet small block">
          <code>{room}</code>
          {seq ? `, ${words.message(seq)}` : ""}
        </span>
      )}
    </>
  );
}

export function Reason({ reason, filter }: ReportRow) {
  return <span class={filter ? "pill accent" : "pill warn"}>{filter ? words.filter(filter) : (words.reasons[reason ?? ""] ?? reason)}</span>;
}

