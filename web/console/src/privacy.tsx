/** Erasure and export of a person, with receipt and file. */
import { useState } from "preact/hooks";
import { useRefresh } from "./condition.js";
import { Action, Field, Select } from "./dialog.js";
import { bytes, count, when } from "./format.js";
import { call, may, useAnswer } from "./host_api.js";
import { Refusal, Table } from "./host_parts.js";
import { hostTexts } from "./host_texts.js";
import { Card, Facts } from "./parts.js";
import type { AskErasure, ErasureAnswer } from "./routes.js";

const words = hostTexts.privacy;
/** While a job runs. */
const EVERY_MS = 2_000;

interface PrivacyProps {
  user: string;
  onChange: () => void;
}

export function Privacy({ user, onChange }: PrivacyProps) {
  return (
    <div class="columns">
      <Erasure user={user} onChange={onChange} />
      <Export user={user} onChange={onChange} />
    </div>
  );
}

function Erasure({ user, onChange }: PrivacyProps) {
  const { value, problem, reload } = useAnswer("GET /v1/erasures/{user}", { user });
  const [isAsking, ask] = useState(false);
  useRefresh(async () => (value?.state === "running" ? reload() : undefined), EVERY_MS, value?.state);
  const check = async (): Promise<void> => {
    await call("POST /v1/erasures/{user}/check", { user });
    void reload();
    onChange();
  };
  return (
    <Card title={words.erasure}>
      {problem && problem.code !== "not_found" && <Refusal problem={problem} />}
      {problem?.code === "not_found" && <p class="quiet">{words.notErased}</p>}
      {value && <Receipt erasure={value} />}
      <div class="actions card-end">
        {value?.state === "done" && may("POST /v1/erasures/{user}/check") && (
          <button type="button" class="button plain small-button" onClick={() => void check()}>
            {words.check}
          </button>
        )}
        {value?.state !== "running" && may("PUT /v1/erasures/{user}") && (
          <button type="button" class="button plain small-button danger" onClick={() => ask(true)}>
            {words.erase}
          </button>
        )}
      </div>
      {isAsking && (
        <AskErasureDialog
          user={user}
          onDone={() => {
            ask(false);
            void reload();
            onChange();
          }}
          onClose={() => ask(false)}
        />
      )}
    </Card>
  );
}

function AskErasureDialog({ user, onDone, onClose }: { user: string; onDone: () => void; onClose: () => void }) {
  const [typed, type] = useState("");
  const [messages, setMessages] = useState<NonNullable<AskErasure["messages"]>>("recall");
  const [reports, setReports] = useState<NonNullable<AskErasure["reports"]>>("keep");
  return (
    <Action
      title={words.eraseTitle(user)}
      lead={words.eraseLead}
      submit={words.erase}
      isDangerous
      isReady={typed.trim() === user}
      run={() => call("PUT /v1/erasures/{user}", { user, messages, reports })}
      onDone={onDone}
      onClose={onClose}
    >
      <Select label={words.messages} value={messages} options={words.messageChoices} onChange={setMessages} />
      <Select label={words.reports} value={reports} options={words.reportChoices} onChange={setReports} />
      <Field label={words.confirm} value={typed} onInput={type} max={64} />
    </Action>
  );
}

function Receipt({ erasure: { state, asked, done, receipt, check } }: { erasure: ErasureAnswer }) {
  const { columns } = words;
  return (
    <>
      <Facts
        rows={[
          [words.facts.state, words.states[state] ?? state],
          [words.facts.asked, when(asked)],
          ...(done ? ([[words.facts.done, when(done)]] as const) : []),
          ...(check ? ([[words.facts.check, `${when(check.time)}: ${words.found(check.found)}`]] as const) : []),
        ]}
      />
      {receipt && receipt.length > 0 && (
        <div class="flush">
          <Table label={words.receipt} columns={[[columns.place], [columns.erased, "end"], [columns.kept]]}>
            {receipt.map((row) => (
              <tr key={row.place}>
                <th scope="row">{row.place}</th>
                <td class="number" data-name={columns.erased}>
                  {count(row.erased ?? 0)} <span class="quiet">{row.how}</span>
                </td>
                <td data-name={columns.kept}>
                  {row.kept ? count(row.kept) : "–"} {row.until ? <span class="quiet">{words.until(when(row.until))}</span> : null}
                </td>
              </tr>
            ))}
          </Table>
        </div>
      )}
    </>
  );
}

function Export({ user, onChange }: PrivacyProps) {
  const { value, problem, reload } = useAnswer("GET /v1/exports/{user}", { user });
  const [refusal, setRefusal] = useState<typeof problem>(null);
  useRefresh(async () => (value?.state === "running" ? reload() : undefined), EVERY_MS, value?.state);
  const make = async (): Promise<void> => {
    const result = await call("PUT /v1/exports/{user}", { user });
    setRefusal(result.problem ?? null);
    void reload();
    onChange();
  };
  const shown = refusal ?? (problem?.code === "not_found" ? null : problem);
  return (
    <Card title={words.export}>
      {shown && <Refusal problem={shown} />}
      {problem?.code === "not_found" && <p class="quiet">{words.exportLead}</p>}
      {value && (
        <Facts
          rows={[
            [words.facts.state, words.states[value.state] ?? value.state],
            [words.facts.asked, when(value.asked)],
            ...(value.bytes !== undefined ? ([[words.facts.size, bytes(value.bytes)]] as const) : []),
            ...(value.until ? ([[words.facts.until, when(value.until)]] as const) : []),
          ]}
        />
      )}
      <div class="actions card-end">
        {value?.state === "done" && may("GET /v1/exports/{user}/file") && (
          <a class="button plain small-button" href={`v1/exports/${encodeURIComponent(user)}/file`} download={`${user}.ndjson.gz`}>
            {words.download}
          </a>
        )}
        {value?.state !== "running" && may("PUT /v1/exports/{user}") && (
          <button type="button" class="button plain small-button" onClick={() => void make()}>
            {words.make}
          </button>
        )}
      </div>
    </Card>
  );
}
