/** One report: what it is about, its evidence, and what is done about it in one step. */
import { useState } from "preact/hooks";
import { AuditOf, nameOf, useKeyNames } from "./audit.js";
import { Action, Field, Tick } from "./dialog.js";
import { when } from "./format.js";
import { call, may, type Problem } from "./host_api.js";
import { Back, Refusal, to, useSubject } from "./host_parts.js";
import { hostTexts } from "./host_texts.js";
import { moderationTexts } from "./moderation_texts.js";
import { Card, Facts, Skeleton } from "./parts.js";
import { Reason } from "./reports.js";
import { RestrictionFields, untilOf } from "./restriction.js";
import { Content, Message } from "./room_messages.js";
import type { Event, PatchReport, PutRestriction, ReportAnswer, ReportRow } from "./routes.js";
import { texts } from "./texts.js";

const words = moderationTexts.report;
type Does = NonNullable<PatchReport["actions"]>[number];

export function ReportPage({ report }: { report: string }) {
  const { value, problem, changes, onChange } = useSubject("GET /v1/reports/{report}", { report });
  return (
    <>
      <Back to="reports" text={texts.pages.reports.title} />
      {problem && <Refusal problem={problem} />}
      {!value && !problem && <Skeleton rows={6} />}
      {value && <Case report={value} onChange={onChange} />}
      {value && <Evidence report={value} onChange={onChange} />}
      {value && value.actions && value.actions.length > 0 && <Done actions={value.actions} />}
      {value && may("GET /v1/audit") && <AuditOf key={changes} target={report} title={words.audit} />}
    </>
  );
}

interface CaseProps {
  report: ReportAnswer;
  onChange: () => void;
}

function Case({ report, onChange }: CaseProps) {
  const { report: name, state, user, room, seq, text, reporter, claimed_by: claimed, note } = report;
  const names = useKeyNames();
  const link = (page: string, id: string) => (
    <a key={id} class="row-link" href={to(page, id)}>
      <bdi>{id}</bdi>
    </a>
  );
  return (
    <section class="card" aria-label={name}>
      <header class="card-head person-head">
        <div class="person-name">
          <h2>{name}</h2>
          <span class={state === "closed" ? "pill" : "pill accent"}>{moderationTexts.reports.states[state]}</span>
        </div>
        {may("PATCH /v1/reports/{report}") && <CaseActions report={report} onChange={onChange} />}
      </header>
      <Facts
        rows={[
          [words.facts.reason, <Reason key="reason" {...report} />],
          ...(text ? ([[words.facts.text, <bdi key="text">{text}</bdi>]] as const) : []),
          ...(user ? ([[words.facts.user, link("people", user)]] as const) : []),
          ...(room ? ([[words.facts.room, [link("rooms", room), seq ? `, ${moderationTexts.reports.message(seq)}` : ""]]] as const) : []),
          ...(reporter ? ([[words.facts.reporter, link("people", reporter)]] as const) : []),
          [words.facts.reporters, String(report.reporters)],
          [words.facts.time, when(report.time)],
          ...(claimed ? ([[words.facts.claimed, nameOf(claimed, names)]] as const) : []),
          ...(note ? ([[words.facts.note, <bdi key="note">{note}</bdi>]] as const) : []),
        ]}
      />
    </section>
  );
}

/** The next states of a report, by the one it has: their names on buttons. */
const NEXT: Record<ReportRow["state"], [ReportRow["state"], string]> = {
  open: ["claimed", words.claim],
  claimed: ["open", words.release],
  closed: ["open", words.reopen],
};

function CaseActions({ report, onChange }: CaseProps) {
  const [isActing, act] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [next, label] = NEXT[report.state];
  const move = async (): Promise<void> => {
    const result = await call("PATCH /v1/reports/{report}", { report: report.report, state: next });
    setProblem(result.problem ?? null);
    if (!result.problem) onChange();
  };
  return (
    <div class="actions">
      {problem && <Refusal problem={problem} />}
      <button type="button" class="button plain" onClick={() => void move()}>
        {label}
      </button>
      {report.state !== "closed" && (
        <button type="button" class="button" onClick={() => act(true)}>
          {words.act}
        </button>
      )}
      {isActing && (
        <Act
          report={report}
          onDone={() => {
            act(false);
            onChange();
          }}
          onClose={() => act(false)}
        />
      )}
    </div>
  );
}

interface ActProps {
  report: ReportAnswer;
  onDone: () => void;
  onClose: () => void;
}

function Act({ report: { report, reason, room, seq, user, note: before }, onDone, onClose }: ActProps) {
  const [isRecalled, recall] = useState(false);
  const [isRestricted, restrict] = useState(false);
  const [isWarned, warn] = useState(false);
  const [isClosed, close] = useState(true);
  const [what, setWhat] = useState<PutRestriction["what"]>("mute");
  const [hours, setHours] = useState("24");
  const [warning, setWarning] = useState("");
  const [note, setNote] = useState(before ?? "");
  const actions = (): Does[] => [
    ...(isRecalled ? [{ do: "recall" } as const] : []),
    ...(isRestricted ? [{ do: what, until: untilOf(hours), reason: reason ?? "" }] : []),
    ...(isWarned ? [{ do: "warn", body: { text: warning.trim() } } as const] : []),
  ];
  const run = () =>
    call("PATCH /v1/reports/{report}", { report, actions: actions(), note: note.trim(), ...(isClosed && { state: "closed" }) });
  return (
    <Action
      title={words.actTitle}
      lead={words.actLead}
      submit={words.done}
      isDangerous={isRecalled || isRestricted}
      isReady={!isWarned || warning.trim() !== ""}
      run={run}
      onDone={onDone}
      onClose={onClose}
    >
      {room && seq ? <Tick label={words.recall} isChecked={isRecalled} onChange={recall} /> : null}
      {user && <Tick label={words.restrict} isChecked={isRestricted} onChange={restrict} />}
      {isRestricted && <RestrictionFields what={what} hours={hours} onWhat={setWhat} onHours={setHours} />}
      {user && <Tick label={words.warn} isChecked={isWarned} onChange={warn} />}
      {isWarned && <Field label={words.warning} value={warning} onInput={setWarning} lines={3} />}
      <Field label={words.note} value={note} onInput={setNote} lines={2} />
      <Tick label={words.close} isChecked={isClosed} onChange={close} />
    </Action>
  );
}

function Evidence({ report: { report, evidence, seq, state }, onChange }: CaseProps) {
  const { messages = [], title, name } = evidence;
  const about = title || name;
  const [recalling, recall] = useState<Event | null>(null);
  const canRecall = state !== "closed" && may("PATCH /v1/reports/{report}");
  const { recall: submit, recallTitle, recallLead } = hostTexts.messages;
  return (
    <Card title={words.evidence} aside={about && <bdi class="quiet">{about}</bdi>}>
      <p class="quiet">{messages.length ? words.evidenceLead : words.noEvidence}</p>
      <ol class="messages">
        {messages.map((one) => (
          <li key={one.seq} class={one.seq === seq ? "reported" : undefined}>
            <Message event={one} />
            <div class="actions">
              {one.seq === seq && <span class="pill warn">{words.reported}</span>}
              {canRecall && one.kind === "message" && (
                <button
                  type="button"
                  class="button plain small-button danger"
                  aria-label={`${submit} ${one.seq}`}
                  onClick={() => recall(one)}
                >
                  {submit}
                </button>
              )}
            </div>
          </li>
        ))}
      </ol>
      {recalling && (
        <Action
          title={recallTitle}
          lead={recallLead}
          submit={submit}
          isDangerous
          run={() => call("PATCH /v1/reports/{report}", { report, actions: [{ do: "recall", seq: recalling.seq }] })}
          onDone={() => {
            recall(null);
            onChange();
          }}
          onClose={() => recall(null)}
        >
          <blockquote class="quote">
            <Content event={recalling} />
          </blockquote>
        </Action>
      )}
    </Card>
  );
}

function Done({ actions }: { actions: NonNullable<ReportAnswer["actions"]> }) {
  const names = useKeyNames();
  return (
    <Card title={words.actions}>
      <ul class="entries">
        {actions.map((one, place) => (
          <li key={place}>
            <div>
              <span>{words.names[String(one.do)] ?? String(one.do)}</span>
              <span class="quiet small">
                {nameOf(String(one.by), names)} · {when(Number(one.time))}
              </span>
            </div>
          </li>
        ))}
      </ul>
    </Card>
  );
}
