/** The push notifications of one person: where they are registered, and what became of them in the last day. */
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { Action } from "./dialog.js";
import { when } from "./format.js";
import { call, may, useAnswer } from "./host_api.js";
import { Refusal, say, to } from "./host_parts.js";
import { hostTexts } from "./host_texts.js";
import { Card, Facts, Skeleton } from "./parts.js";
import { pushTexts } from "./push_texts.js";
import type { Decision, Now, RegistrationRow, Tested, UserPushAnswer } from "./routes.js";

const SENT: readonly string[] = ["sent", "sent_silent"];
const LIMIT = 50;

const meaning = (outcome: string): string => pushTexts.outcomes[outcome] ?? outcome;

export function Notifications({ user }: { user: string }) {
  const { value, problem, reload } = useAnswer("GET /v1/users/{user}/push", { user });
  if (problem) return <Refusal problem={problem} />;
  // A server without push says nothing about it.
  if (!value || (!value.enabled && value.registrations.length === 0)) return null;
  const registrations = <Registrations user={user} value={value} reload={reload} />;
  return value.enabled ? <Decisions user={user}>{registrations}</Decisions> : registrations;
}

interface RegistrationsProps {
  user: string;
  value: UserPushAnswer;
  reload: () => Promise<void>;
}

function Registrations({ user, value, reload }: RegistrationsProps) {
  const [asking, ask] = useState<RegistrationRow | "test" | null>(null);
  const [tested, setTested] = useState<readonly Tested[] | null>(null);
  const close = (): void => ask(null);
  const test = async () => {
    const result = await call("POST /v1/push/test", { user });
    if (result.value) setTested(result.value.devices);
    return result;
  };
  const canTest = may("POST /v1/push/test") && value.enabled && value.registrations.length > 0;
  return (
    <Card
      title={pushTexts.title}
      aside={
        canTest && (
          <button type="button" class="button plain small-button" onClick={() => ask("test")}>
            {pushTexts.test}
          </button>
        )
      }
    >
      <Facts rows={[[pushTexts.badge, String(value.badge)]]} />
      {value.registrations.length === 0 && <p class="quiet">{pushTexts.none}</p>}
      <ul class="entries">
        {value.registrations.map((row) => (
          <Registration
            key={row.device + row.purpose}
            row={row}
            tested={tested?.find((one) => one.device === row.device)}
            onForget={() => ask(row)}
          />
        ))}
      </ul>
      {asking === "test" && (
        <Action
          title={pushTexts.testTitle(user)}
          lead={pushTexts.testLead}
          submit={pushTexts.test}
          run={test}
          onDone={close}
          onClose={close}
        />
      )}
      {asking !== null && asking !== "test" && (
        <Action
          title={pushTexts.forgetTitle}
          lead={pushTexts.forgetLead}
          submit={pushTexts.forget}
          isDangerous
          run={() => call("DELETE /v1/users/{user}/push/{device}", { user, device: asking.device })}
          onDone={() => {
            close();
            say(hostTexts.done);
            void reload();
          }}
          onClose={close}
        />
      )}
    </Card>
  );
}

interface RegistrationProps {
  row: RegistrationRow;
  tested: Tested | undefined;
  onForget: () => void;
}

function Registration({ row, tested, onForget }: RegistrationProps) {
  const marks = [row.sealed && pushTexts.sealed, row.restored && pushTexts.restored, row.environment === "sandbox" && "sandbox"];
  return (
    <li>
      <div>
        <span>
          {pushTexts.platforms[row.platform] ?? row.platform} <bdi class="quiet">{row.app}</bdi>
        </span>
        <code class="quiet small">{row.device}</code>
        <span class="quiet small">
          {[pushTexts.since(when(row.registered_at)), ...marks.filter(Boolean)].join(" · ")}
        </span>
        {tested && (
          <span class="small" role="status">
            <span class={SENT.includes(tested.outcome) ? "pill ok" : "pill bad"}>{tested.outcome}</span>{" "}
            {meaning(tested.outcome)} {tested.detail && <code>{tested.detail}</code>}
          </span>
        )}
      </div>
      {may("DELETE /v1/users/{user}/push/{device}") && (
        <button
          type="button"
          class="button plain small-button"
          aria-label={`${pushTexts.forget} ${row.device}`}
          onClick={onForget}
        >
          {pushTexts.forget}
        </button>
      )}
    </li>
  );
}

/** What became of notifications, below `children` and what would happen now. */
function Decisions({ user, children }: { user: string; children: ComponentChildren }) {
  const { value, problem } = useAnswer("GET /v1/push/decisions", { user, limit: LIMIT });
  return (
    <>
      <div class="columns">
        {children}
        <Card title={pushTexts.now}>
          <ul class="entries">
            {value?.now.map((one) => (
              <NowRow key={one.device} one={one} />
            ))}
          </ul>
        </Card>
      </div>
      <Card title={pushTexts.decisions}>
        {problem && <Refusal problem={problem} />}
        {!value && !problem && <Skeleton rows={3} />}
        {value?.decisions.length === 0 && <p class="quiet">{pushTexts.noDecisions}</p>}
        <ul class="entries">
          {value?.decisions.map((one, number) => (
            <DecisionRow key={number} one={one} />
          ))}
        </ul>
      </Card>
    </>
  );
}

function DecisionRow({ one }: { one: Decision }) {
  return (
    <li>
      <div>
        <span>
          <span class={SENT.includes(one.outcome) ? "pill ok" : "pill"}>{one.outcome}</span> {meaning(one.outcome)}
        </span>
        <span class="quiet small">
          {when(one.time)} · {pushTexts.kinds[one.kind] ?? one.kind}
          {one.room && may("GET /v1/rooms/{room}") && (
            <>
              {" · "}
              <a href={to("rooms", one.room)}>{one.room}</a> {one.seq}
            </>
          )}
          {one.detail && (
            <>
              {" · "}
              <code>{one.detail}</code>
            </>
          )}
        </span>
        {one.device && <code class="quiet small">{one.device}</code>}
      </div>
    </li>
  );
}

function NowRow({ one }: { one: Now }) {
  const isSent = SENT.includes(one.outcome);
  const said = one.paused ? pushTexts.notNow(one.paused) : pushTexts.wouldBeSent;
  return (
    <li>
      <div>
        <span>
          <span class={isSent && !one.paused ? "pill ok" : "pill"}>{one.outcome}</span> {isSent ? said : meaning(one.outcome)}
        </span>
        {one.device && <code class="quiet small">{one.device}</code>}
      </div>
    </li>
  );
}
