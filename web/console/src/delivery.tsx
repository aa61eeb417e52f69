/** The page Delivery: the endpoints of webhooks, whether they take what is sent, and what they refused. */
import { useState } from "preact/hooks";
import { AuditOf } from "./audit.js";
import { useRefresh } from "./condition.js";
import { Action, Select } from "./dialog.js";
import { count, duration, when } from "./format.js";
import { call, may, useAnswer, type Problem } from "./host_api.js";
import { Back, Refusal, Table, to, useSubject } from "./host_parts.js";
import { hostTexts } from "./host_texts.js";
import { Card, Empty, Facts, Skeleton } from "./parts.js";
import type { ParkedEntry, Status } from "./routes.js";
import { texts } from "./texts.js";

const words = hostTexts.delivery;
const EVERY_MS = 5_000;
const HOUR_MS = 3_600_000;
const PILLS: Record<string, string> = { up: "pill ok", disabled: "pill bad" };

export function DeliveryPage({ path: [name] }: { path: readonly string[] }) {
  return name ? <Endpoint key={name} name={name} /> : <Endpoints />;
}

function State({ state }: { state: string }) {
  return <span class={PILLS[state] ?? "pill warn"}>{words.states[state] ?? state}</span>;
}

const lagText = ({ lag = 0 }: Status): string => (lag ? duration(lag / 1000) : words.noLag);

function Endpoints() {
  const { value, problem, reload } = useAnswer("GET /v1/hooks", {});
  useRefresh(reload, EVERY_MS);
  const { columns } = words;
  return (
    <>
      <p class="lead quiet">{words.lead}</p>
      {problem && <Refusal problem={problem} />}
      {!value && !problem && <Skeleton />}
      {value?.hooks.length === 0 && <Empty icon="delivery" title={words.none} hint={words.noneHint} />}
      {value && value.hooks.length > 0 && (
        <Table
          label={texts.pages.delivery.title}
          columns={[[columns.name], [columns.state], [columns.lag], [columns.delivered], [columns.failure], [columns.parked, "end"]]}
        >
          {value.hooks.map((hook) => (
            <tr key={hook.name}>
              <th scope="row">
                <a class="row-link" href={to("delivery", hook.name)}>
                  {hook.name}
                </a>
              </th>
              <td data-name={columns.state}>
                <State state={hook.state} />
              </td>
              <td data-name={columns.lag}>{lagText(hook)}</td>
              <td data-name={columns.delivered}>{hook.delivered_at ? when(hook.delivered_at) : hostTexts.never}</td>
              <td data-name={columns.failure} class="long">
                {hook.failure ? `${hook.failure.status ?? ""} ${hook.failure.text ?? ""}` : "–"}
              </td>
              <td data-name={columns.parked} class="number">
                {count(hook.parked ?? 0)}
              </td>
            </tr>
          ))}
        </Table>
      )}
    </>
  );
}

function Endpoint({ name }: { name: string }) {
  const { value, problem, reload, changes, onChange } = useSubject("GET /v1/hooks/{name}", { name });
  useRefresh(reload, EVERY_MS);
  return (
    <>
      <Back to="delivery" text={texts.pages.delivery.title} />
      {problem && <Refusal problem={problem} />}
      {!value && !problem && <Skeleton rows={6} />}
      {value && <Condition hook={value.hook} onChange={onChange} />}
      {value && <Parked name={name} rows={value.parked} onChange={onChange} />}
      {may("GET /v1/audit") && <AuditOf key={changes} target={name} title={words.audit} />}
    </>
  );
}

function Condition({ hook, onChange }: { hook: Status; onChange: () => void }) {
  const { name, state, cursor, delivered_at: delivered, retry_after: retry, failure } = hook;
  const [isReplaying, replay] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const enable = async (): Promise<void> => {
    const result = await call("POST /v1/hooks/{name}/enable", { name });
    setProblem(result.problem ?? null);
    if (!result.problem) onChange();
  };
  return (
    <section class="card" aria-label={name}>
      <header class="card-head person-head">
        <div class="person-name">
          <h2>{name}</h2>
          <State state={state} />
        </div>
        <div class="actions">
          {state === "disabled" && may("POST /v1/hooks/{name}/enable") && (
            <button type="button" class="button" onClick={() => void enable()}>
              {words.enable}
            </button>
          )}
          {may("POST /v1/hooks/{name}/replay") && (
            <button type="button" class="button plain" onClick={() => replay(true)}>
              {words.replay}
            </button>
          )}
        </div>
      </header>
      {problem && <Refusal problem={problem} />}
      <Facts
        rows={[
          [words.facts.lag, lagText(hook)],
          [words.facts.delivered, delivered ? when(delivered) : hostTexts.never],
          ...(retry ? ([[words.facts.retry, words.in(duration(retry / 1000))]] as const) : []),
          ...(failure ? ([[words.facts.failure, <Failed key="failure" {...failure} />]] as const) : []),
          [words.facts.cursor, <code key="cursor">{cursor}</code>],
        ]}
      />
      {isReplaying && (
        <Replay
          name={name}
          onDone={() => {
            replay(false);
            onChange();
          }}
          onClose={() => replay(false)}
        />
      )}
    </section>
  );
}

function Failed({ time, status, text }: { time: number; status?: number; text?: string }) {
  return (
    <>
      {when(time)} {status ? <span class="pill bad">{status}</span> : null}
      {text && <code class="quiet block">{text}</code>}
    </>
  );
}

function Replay({ name, onDone, onClose }: { name: string; onDone: () => void; onClose: () => void }) {
  const [from, setFrom] = useState("1");
  const place = (): { after?: string; since?: number } => {
    if (from === "all") return { after: "" };
    return from === "latest" ? { after: "latest" } : { since: Date.now() - Number(from) * HOUR_MS };
  };
  return (
    <Action
      title={words.replayTitle(name)}
      lead={words.replayLead}
      submit={words.replay}
      isDangerous={from === "latest"}
      run={() => call("POST /v1/hooks/{name}/replay", { name, ...place() })}
      onDone={onDone}
      onClose={onClose}
    >
      <Select label={words.replayFrom} value={from} options={words.replays} onChange={setFrom} />
    </Action>
  );
}

interface ParkedProps {
  name: string;
  rows: readonly ParkedEntry[];
  onChange: (text?: string) => void;
}

function Parked({ name, rows, onChange }: ParkedProps) {
  const [problem, setProblem] = useState<Problem | null>(null);
  const [dropping, drop] = useState<ParkedEntry | null>(null);
  const retry = async (entry: string): Promise<void> => {
    const { value, problem: found } = await call("POST /v1/hooks/{name}/parked/{entry}/retry", { name, entry });
    setProblem(found ?? null);
    if (value) onChange(value.accepted ? words.accepted : words.refused(String(value.status ?? value.text ?? "")));
  };
  return (
    <Card title={words.parked}>
      {problem && <Refusal problem={problem} />}
      <p class="quiet">{rows.length ? words.parkedLead : words.noParked}</p>
      <ul class="entries">
        {rows.map((row) => (
          <li key={row.id}>
            <div>
              <code>{row.id}</code>
              <span class="quiet small">
                {when(row.time)} {row.status || ""} {row.text}
              </span>
            </div>
            <div class="actions">
              {may("POST /v1/hooks/{name}/parked/{entry}/retry") && (
                <button
                  type="button"
                  class="button plain small-button"
                  aria-label={`${words.retry} ${row.id}`}
                  onClick={() => void retry(row.id)}
                >
                  {words.retry}
                </button>
              )}
              {may("DELETE /v1/hooks/{name}/parked/{entry}") && (
                <button
                  type="button"
                  class="button plain small-button danger"
                  aria-label={`${words.discard} ${row.id}`}
                  onClick={() => drop(row)}
                >
                  {words.discard}
                </button>
              )}
            </div>
          </li>
        ))}
      </ul>
      {dropping && (
        <Action
          title={words.discardTitle}
          lead={words.discardLead(dropping.id)}
          submit={words.discard}
          isDangerous
          run={() => call("DELETE /v1/hooks/{name}/parked/{entry}", { name, entry: dropping.id })}
          onDone={() => {
            drop(null);
            onChange();
          }}
          onClose={() => drop(null)}
        />
      )}
    </Card>
  );
}
