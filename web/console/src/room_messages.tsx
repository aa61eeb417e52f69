/** The messages of a room, which are read when somebody asks for them: each reading is in the audit. */
import { useState } from "preact/hooks";
import { Action } from "./dialog.js";
import { bytes, when } from "./format.js";
import { call, may, usePages } from "./host_api.js";
import { Listed, to } from "./host_parts.js";
import { hostTexts } from "./host_texts.js";
import { Card } from "./parts.js";
import type { Event } from "./routes.js";

const words = hostTexts.messages;

interface MessagesProps {
  room: string;
  /** Another one: the room was changed, so they are read anew. */
  version: number;
  onChange: () => void;
}

export function Messages({ room, version, onChange }: MessagesProps) {
  const [isShown, show] = useState(false);
  return (
    <Card title={words.title}>
      {isShown ? (
        <List key={version} room={room} onChange={onChange} />
      ) : (
        <div class="toolbar">
          <p class="quiet grow">{words.lead}</p>
          <button type="button" class="button plain" onClick={() => show(true)}>
            {words.show}
          </button>
        </div>
      )}
    </Card>
  );
}

function List({ room, onChange }: Omit<MessagesProps, "version">) {
  const pages = usePages("GET /v1/rooms/{room}/messages", { room }, (answer) => [...answer.messages].reverse());
  const [recalling, recall] = useState<Event | null>(null);
  const canRecall = may("DELETE /v1/rooms/{room}/messages/{seq}");
  return (
    <>
      <Listed pages={pages} icon="rooms" none={words.none} hint={words.noneHint}>
        {(rows) => (
          <ol class="messages">
            {rows.map((row) => (
              <li key={row.seq}>
                <Message event={row} />
                {canRecall && !row.recalled && (
                  <button
                    type="button"
                    class="button plain small-button danger"
                    aria-label={`${words.recall} ${row.seq}`}
                    onClick={() => recall(row)}
                  >
                    {words.recall}
                  </button>
                )}
              </li>
            ))}
          </ol>
        )}
      </Listed>
      {recalling && (
        <Action
          title={words.recallTitle}
          lead={words.recallLead}
          submit={words.recall}
          isDangerous
          run={() => call("DELETE /v1/rooms/{room}/messages/{seq}", { room, seq: recalling.seq })}
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
    </>
  );
}

/** One message with its author and time; the text of people is text, whatever is in it. */
export function Message({ event }: { event: Event }) {
  const { seq, user, time, edited } = event;
  return (
    <div class="message-row">
      <p class="quiet small">
        {user ? (
          <a class="author" href={to("people", user)}>
            <bdi>{user}</bdi>
          </a>
        ) : (
          <b class="author">{words.host}</b>
        )}{" "}
        #{seq}
        {time !== undefined && ` · ${when(time)}`}
        {edited !== undefined && ` · ${words.edited}`}
      </p>
      <Content event={event} />
    </div>
  );
}

export function Content({ event: { body, recalled } }: { event: Event }) {
  if (recalled || !body) return <p class="quiet">{words.recalled}</p>;
  return (
    <>
      {body.text && (
        <p class="message-text" dir="auto">
          {body.text}
        </p>
      )}
      {body.attachments?.map(({ url, name, mime, size }) => (
        <p key={url} class="small">
          <bdi>{name || mime}</bdi> <span class="quiet">{size !== undefined && bytes(size)}</span>
          <code class="quiet block">{url}</code>
        </p>
      ))}
    </>
  );
}
