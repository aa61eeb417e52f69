/** One room: its settings, members and messages. */
import { useEffect, useState } from "preact/hooks";
import { AuditOf } from "./audit.js";
import { Action, Field, Select } from "./dialog.js";
import { when } from "./format.js";
import { call, may, newKey, usePages } from "./host_api.js";
import { Back, Refusal, to, useSubject } from "./host_parts.js";
import { hostTexts } from "./host_texts.js";
import { Card, Facts, Skeleton } from "./parts.js";
import { Messages } from "./room_messages.js";
import { remember } from "./rooms.js";
import type { MemberRow, RoomAnswer } from "./routes.js";
import { texts } from "./texts.js";

const words = hostTexts.room;
const ROLES = ["member", "admin", "owner"] as const;
const roles = ROLES.map((role) => [role, words.roles[role]] as const);

export function RoomPage({ room }: { room: string }) {
  const { value, problem, changes, onChange } = useSubject("GET /v1/rooms/{room}", { room });
  // What is posted or recalled here is shown by the messages below.
  useEffect(() => {
    if (value) remember(room, titleOf(value));
  }, [value]);
  return (
    <>
      <Back to="rooms" text={texts.pages.rooms.title} />
      {problem && <Refusal problem={problem} />}
      {!value && !problem && <Skeleton rows={6} />}
      {value && <Settings about={value} onChange={onChange} />}
      {value && <Members about={value} onChange={onChange} />}
      {value && may("GET /v1/rooms/{room}/messages") && <Messages room={room} version={changes} onChange={onChange} />}
      {value && may("GET /v1/audit") && <AuditOf key={changes} target={room} title={words.audit} />}
    </>
  );
}

const titleOf = ({ title, kind }: RoomAnswer): string => title || (words.kinds[kind] ?? kind);

interface PartProps {
  about: RoomAnswer;
  onChange: () => void;
}

function Settings({ about, onChange }: PartProps) {
  const [a, b] = about.users ?? [];
  const person = (user: string) => (
    <a key={user} class="row-link" href={to("people", user)}>
      <bdi>{user}</bdi>
    </a>
  );
  return (
    <section class="card" aria-label={words.settings}>
      <header class="card-head person-head">
        <div class="person-name">
          <h2>
            <bdi>{titleOf(about)}</bdi>
          </h2>
          <code class="quiet">{about.room}</code>
          {about.public && <span class="pill accent"> {words.public}</span>}
        </div>
        <SettingActions about={about} onChange={onChange} />
      </header>
      <Facts
        rows={[
          [words.facts.kind, words.kinds[about.kind] ?? about.kind],
          ...(a && b ? ([[words.facts.users, [person(a), ", ", person(b)]]] as const) : []),
          [words.facts.members, String(about.members)],
          [words.facts.seq, String(about.seq)],
          [words.facts.created, when(about.created_at)],
          ...(about.creator ? ([[words.facts.creator, person(about.creator)]] as const) : []),
        ]}
      />
    </section>
  );
}

function SettingActions({ about: { room, kind, title }, onChange }: PartProps) {
  const [asking, ask] = useState<"" | "rename" | "notice" | "delete">("");
  const [text, setText] = useState("");
  const [key, setKey] = useState("");
  const isGroup = kind !== "direct";
  const start = (what: typeof asking): void => {
    setText(what === "rename" ? (title ?? "") : "");
    setKey(newKey());
    ask(what);
  };
  const shared = {
    onClose: () => ask(""),
    onDone: () => {
      ask("");
      onChange();
    },
  };
  return (
    <div class="actions">
      {may("POST /v1/rooms/{room}/notices") && (
        <button type="button" class="button plain" onClick={() => start("notice")}>
          {words.notice}
        </button>
      )}
      {isGroup && may("PATCH /v1/rooms/{room}") && (
        <button type="button" class="button plain" onClick={() => start("rename")}>
          {words.rename}
        </button>
      )}
      {isGroup && may("DELETE /v1/rooms/{room}") && (
        <button type="button" class="button plain danger" onClick={() => start("delete")}>
          {words.delete}
        </button>
      )}
      {asking === "notice" && (
        <Action
          {...shared}
          title={words.noticeTitle}
          lead={words.noticeLead}
          submit={words.notice}
          isReady={text.trim() !== ""}
          run={() => call("POST /v1/rooms/{room}/notices", { room, key, body: { text: text.trim() } })}
        >
          <Field label={words.noticeText} value={text} onInput={setText} lines={4} />
        </Action>
      )}
      {asking === "rename" && (
        <Action
          {...shared}
          title={words.renameTitle}
          submit={words.rename}
          run={() => call("PATCH /v1/rooms/{room}", { room, title: text.trim() })}
        >
          <Field label={words.title} value={text} onInput={setText} max={128} />
        </Action>
      )}
      {asking === "delete" && (
        <Action
          {...shared}
          title={words.deleteTitle}
          lead={words.deleteLead}
          submit={words.delete}
          isDangerous
          run={() => call("DELETE /v1/rooms/{room}", { room })}
        />
      )}
    </div>
  );
}

function Members({ about: { room, kind, members }, onChange }: PartProps) {
  const { rows, problem, more, reload } = usePages("GET /v1/rooms/{room}/members", { room }, (answer) => answer.members);
  const [adding, add] = useState(false);
  const [removing, remove] = useState<string | null>(null);
  const [user, setUser] = useState("");
  const canSet = kind !== "direct" && may("PUT /v1/rooms/{room}/members");
  const onDone = (): void => {
    add(false);
    remove(null);
    setUser("");
    void reload();
    onChange();
  };
  const aside = canSet && (
    <button type="button" class="button plain small-button" onClick={() => add(true)}>
      {words.add}
    </button>
  );
  return (
    <Card title={`${words.members} (${members})`} aside={aside}>
      {problem && <Refusal problem={problem} />}
      {!rows && !problem && <Skeleton rows={3} />}
      <ul class="entries">
        {rows?.map((row) => (
          <li key={row.user}>
            <Member row={row} room={room} canSet={canSet} onRole={onDone} onRemove={() => remove(row.user)} />
          </li>
        ))}
      </ul>
      {more && (
        <button type="button" class="button plain wide" onClick={() => void more()}>
          {hostTexts.more}
        </button>
      )}
      {adding && (
        <Action
          title={words.addTitle}
          lead={words.addLead}
          submit={words.add}
          isReady={user.trim() !== ""}
          run={() => call("PUT /v1/rooms/{room}/members", { room, users: [user.trim()] })}
          onDone={onDone}
          onClose={() => add(false)}
        >
          <Field label={words.user} value={user} onInput={setUser} max={64} />
        </Action>
      )}
      {removing && (
        <Action
          title={words.removeTitle(removing)}
          lead={words.removeLead}
          submit={words.remove}
          isDangerous
          run={() => call("DELETE /v1/rooms/{room}/members/{user}", { room, user: removing })}
          onDone={onDone}
          onClose={() => remove(null)}
        />
      )}
    </Card>
  );
}

interface MemberProps {
  row: MemberRow;
  room: string;
  canSet: boolean;
  onRole: () => void;
  onRemove: () => void;
}

function Member({ row: { user, role, joined_at: since }, room, canSet, onRole, onRemove }: MemberProps) {
  const [asked, ask] = useState<MemberRow["role"] | null>(null);
  return (
    <>
      <div>
        <a class="row-link" href={to("people", user)}>
          <bdi>{user}</bdi>
        </a>
        <span class="quiet small">
          {words.roles[role]} · {words.since} {when(since)}
        </span>
      </div>
      {canSet && (
        <div class="actions">
          <button type="button" class="button plain small-button" aria-label={`${words.setRole} ${user}`} onClick={() => ask(role)}>
            {words.setRole}
          </button>
          <button type="button" class="button plain small-button danger" aria-label={`${words.remove} ${user}`} onClick={onRemove}>
            {words.remove}
          </button>
        </div>
      )}
      {asked && (
        <Action
          title={words.roleTitle(user)}
          submit={words.setRole}
          isReady={asked !== role}
          run={() => call("PUT /v1/rooms/{room}/members", { room, users: [user], role: asked })}
          onDone={() => {
            ask(null);
            onRole();
          }}
          onClose={() => ask(null)}
        >
          <Select label={words.role} value={asked} options={roles} onChange={ask} />
        </Action>
      )}
    </>
  );
}
