/** One person: account and card, devices, rooms, connections, and what was done to the account. */
import { useState } from "preact/hooks";
import { AuditOf } from "./audit.js";
import { Action, Field } from "./dialog.js";
import { when } from "./format.js";
import { call, may, newKey, useAnswer, usePages } from "./host_api.js";
import { Back, Refusal, say, to, useSubject } from "./host_parts.js";
import { hostTexts } from "./host_texts.js";
import { moderationTexts } from "./moderation_texts.js";
import { Notifications } from "./notifications.js";
import { Card, Facts, Skeleton } from "./parts.js";
import { Badges } from "./people.js";
import { Privacy } from "./privacy.js";
import { Restriction } from "./restriction.js";
import type { DeviceRow, UserAnswer } from "./routes.js";
import { texts } from "./texts.js";

const words = hostTexts.person;
/** The account of a user who has none. */
const NONE = { name: "", avatar: "", version: 0, disabled: false, has_password: false, created_at: 0 };

export function PersonPage({ user }: { user: string }) {
  const { value, problem, changes, onChange } = useSubject("GET /v1/users/{user}", { user });
  const isUnknown = problem?.code === "not_found";
  const account = value ?? (isUnknown ? { ...NONE, user } : null);
  return (
    <>
      <Back to="people" text={texts.pages.people.title} />
      {isUnknown && <p class="notice">{words.unknown}</p>}
      {problem && !isUnknown && <Refusal problem={problem} />}
      {!account && !problem && <Skeleton rows={6} />}
      {account && <Account account={account} onChange={onChange} />}
      {account && may("GET /v1/users/{user}/restriction") && <Restriction account={account} onChange={onChange} />}
      <div class="columns">
        <Devices user={user} />
        <Rooms user={user} />
      </div>
      {may("GET /v1/push/decisions") && <Notifications user={user} />}
      {may("GET /v1/erasures/{user}") && <Privacy user={user} onChange={onChange} />}
      {may("GET /v1/audit") && <AuditOf key={changes} target={user} title={words.audit} />}
    </>
  );
}

interface AccountProps {
  account: UserAnswer;
  onChange: () => void;
}

function Account({ account, onChange }: AccountProps) {
  const { user, name, handle, verified, page } = account;
  const fields = page?.fields ?? [];
  return (
    <section class="card" aria-label={words.account}>
      <header class="card-head person-head">
        <span class="avatar" aria-hidden="true">
          {[...(name || user)][0]}
        </span>
        <div class="person-name">
          <h2>
            <bdi>{name || user}</bdi>
          </h2>
          <code class="quiet">{user}</code> <Badges {...account} />
        </div>
        <AccountActions account={account} onChange={onChange} />
      </header>
      <Facts
        rows={[
          ...(handle ? ([[words.facts.handle, <bdi key="handle">@{handle}</bdi>]] as const) : []),
          ...(verified ? ([[words.facts.verified, <bdi key="badge">{verified}</bdi>]] as const) : []),
          ...(page?.bio ? ([[words.facts.bio, <bdi key="bio">{page.bio}</bdi>]] as const) : []),
          ...fields.map(({ name: field, value }) => [field, <bdi key={field}>{value}</bdi>] as const),
          [words.facts.since, account.created_at ? when(account.created_at) : "–"],
          [words.facts.password, account.has_password ? hostTexts.yes : hostTexts.no],
        ]}
      />
    </section>
  );
}

function AccountActions({ account: { user, disabled }, onChange }: AccountProps) {
  const [asking, ask] = useState<"" | "disabled" | "revoke" | "warn">("");
  const done = (): void => {
    ask("");
    onChange();
  };
  const close = (): void => ask("");
  return (
    <div class="actions">
      {may("POST /v1/users/{user}/warnings") && (
        <button type="button" class="button plain" onClick={() => ask("warn")}>
          {moderationTexts.warning.warn}
        </button>
      )}
      {may("POST /v1/users/{user}/revoke") && (
        <button type="button" class="button plain" onClick={() => ask("revoke")}>
          {words.revoke}
        </button>
      )}
      {may("PUT /v1/users/{user}") && (
        <button type="button" class={disabled ? "button plain" : "button plain danger"} onClick={() => ask("disabled")}>
          {disabled ? words.enable : words.disable}
        </button>
      )}
      {asking === "disabled" && (
        <Action
          title={disabled ? words.enableTitle(user) : words.disableTitle(user)}
          lead={disabled ? words.enableLead : words.disableLead}
          submit={disabled ? words.enable : words.disable}
          isDangerous={!disabled}
          run={() => call("PUT /v1/users/{user}", { user, disabled: !disabled })}
          onDone={done}
          onClose={close}
        />
      )}
      {asking === "warn" && <Warn user={user} onDone={done} onClose={close} />}
      {asking === "revoke" && (
        <Action
          title={words.revokeTitle(user)}
          lead={words.revokeLead}
          submit={words.revoke}
          isDangerous
          run={() => call("POST /v1/users/{user}/revoke", { user })}
          onDone={done}
          onClose={close}
        />
      )}
    </div>
  );
}

function Warn({ user, onDone, onClose }: { user: string; onDone: () => void; onClose: () => void }) {
  const [text, setText] = useState("");
  // Sent again after a lost answer, it is the same warning.
  const [key] = useState(newKey);
  const { warning } = moderationTexts;
  return (
    <Action
      title={warning.title(user)}
      lead={warning.lead}
      submit={warning.warn}
      isReady={text.trim() !== ""}
      run={() => call("POST /v1/users/{user}/warnings", { user, key, body: { text: text.trim() } })}
      onDone={onDone}
      onClose={onClose}
    >
      <Field label={warning.text} value={text} onInput={setText} lines={4} />
    </Action>
  );
}

function Devices({ user }: { user: string }) {
  const { value, problem, reload } = useAnswer("GET /v1/users/{user}/devices", { user });
  const [removing, remove] = useState<DeviceRow | null>(null);
  const canRemove = may("DELETE /v1/users/{user}/devices/{device}");
  return (
    <Card title={words.devices} aside={<a href={to("sessions", user)}>{words.sessions}</a>}>
      {problem && <Refusal problem={problem} />}
      {!value && !problem && <Skeleton rows={3} />}
      {value?.devices.length === 0 && <p class="quiet">{words.noDevices}</p>}
      <ul class="entries">
        {value?.devices.map((row) => (
          <li key={row.device}>
            <div>
              <span>
                <bdi>{row.app ?? texts.connections.unknownApp}</bdi> <bdi class="quiet">{row.os}</bdi>
              </span>
              <code class="quiet small">{row.device}</code>
              {row.last_seen !== undefined && (
                <span class="quiet small">
                  {words.deviceColumns.seen} {when(row.last_seen)}
                </span>
              )}
            </div>
            {canRemove && (
              <button
                type="button"
                class="button plain small-button"
                aria-label={`${words.remove} ${row.device}`}
                onClick={() => remove(row)}
              >
                {words.remove}
              </button>
            )}
          </li>
        ))}
      </ul>
      {removing && (
        <Action
          title={words.removeTitle}
          lead={words.removeLead(removing.device)}
          submit={words.remove}
          isDangerous
          run={() => call("DELETE /v1/users/{user}/devices/{device}", { user, device: removing.device })}
          onDone={() => {
            remove(null);
            say(hostTexts.done);
            void reload();
          }}
          onClose={() => remove(null)}
        />
      )}
    </Card>
  );
}

function Rooms({ user }: { user: string }) {
  const { rows, problem, more } = usePages("GET /v1/users/{user}/rooms", { user }, (answer) => answer.rooms);
  return (
    <Card title={words.rooms}>
      {problem && <Refusal problem={problem} />}
      {!rows && !problem && <Skeleton rows={3} />}
      {rows?.length === 0 && <p class="quiet">{words.noRooms}</p>}
      <ul class="entries">
        {rows?.map((row) => (
          <li key={row.room}>
            <div>
              {may("GET /v1/rooms/{room}") ? (
                <a class="row-link" href={to("rooms", row.room)}>
                  <bdi>{row.title || row.kind}</bdi>
                </a>
              ) : (
                <bdi>{row.title || row.kind}</bdi>
              )}
              <span class="quiet small">
                <code>{row.room}</code> · {words.members(String(row.members), row.members === 1)} · {row.role}
              </span>
            </div>
          </li>
        ))}
      </ul>
      {more && (
        <button type="button" class="button plain wide" onClick={() => void more()}>
          {hostTexts.more}
        </button>
      )}
    </Card>
  );
}
