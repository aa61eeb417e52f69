/** The page Keys: those with which the back end of the host app uses the API. */
import { useState } from "preact/hooks";
import { Action, Dialog, Field, Select, Tick } from "./dialog.js";
import { when } from "./format.js";
import { call, may, useAnswer } from "./host_api.js";
import { Refusal, say, Table } from "./host_parts.js";
import { hostTexts } from "./host_texts.js";
import { Icon } from "./icons.js";
import { Command, Empty, Skeleton } from "./parts.js";
import { EVERY_SCOPE, type KeyAnswer, type NewKey } from "./routes.js";
import { texts } from "./texts.js";

const words = hostTexts.keys;
const DAY_MS = 86_400_000;

type Asking = { what: "create" } | { what: "rotate" | "delete"; key: KeyAnswer } | { what: "secret"; made: NewKey };

export function KeysPage() {
  const { value, problem, reload } = useAnswer("GET /v1/keys", {});
  const [asking, ask] = useState<Asking | null>(null);
  const close = (): void => ask(null);
  const onMade = (made: NewKey): void => {
    ask({ what: "secret", made });
    void reload();
  };
  return (
    <>
      <div class="toolbar">
        <p class="lead quiet grow">{words.lead}</p>
        {may("POST /v1/keys") && (
          <button type="button" class="button" onClick={() => ask({ what: "create" })}>
            <Icon name="add" size={18} />
            {words.create}
          </button>
        )}
      </div>
      {problem && <Refusal problem={problem} />}
      {!value && !problem && <Skeleton />}
      {value?.keys.length === 0 && <Empty icon="keys" title={words.none} hint={words.noneHint} />}
      {value && value.keys.length > 0 && <Keys keys={value.keys} ask={ask} />}
      {asking?.what === "create" && <Create onMade={onMade} onClose={close} />}
      {asking?.what === "rotate" && <Rotate row={asking.key} onMade={onMade} onClose={close} />}
      {asking?.what === "secret" && <Secret made={asking.made} onClose={close} />}
      {asking?.what === "delete" && (
        <Action
          title={words.deleteTitle(asking.key.name)}
          lead={words.deleteLead}
          submit={words.delete}
          isDangerous
          run={() => call("DELETE /v1/keys/{key}", { key: asking.key.id })}
          onDone={() => {
            close();
            say(hostTexts.done);
            void reload();
          }}
          onClose={close}
        />
      )}
    </>
  );
}

function Keys({ keys, ask }: { keys: readonly KeyAnswer[]; ask: (asking: Asking) => void }) {
  const { columns } = words;
  const canWrite = may("DELETE /v1/keys/{key}");
  const names = [[columns.name], [columns.scopes], [columns.created], [columns.expires]] as const;
  return (
    <Table label={texts.pages.keys.title} columns={canWrite ? [...names, [hostTexts.actions, "buttons"]] : names}>
      {keys.map((key) => (
        <tr key={key.id}>
          <th scope="row">
            <bdi class="user">{key.name}</bdi>
            <code class="quiet device">{key.id}</code>
          </th>
          <td data-name={columns.scopes} class="scopes">
            {key.scopes.map((scope) => (
              <span key={scope} class="pill" title={hostTexts.scopes[scope]}>
                {scope}
              </span>
            ))}
          </td>
          <td data-name={columns.created}>{when(key.created_at)}</td>
          <td data-name={columns.expires}>
            <Ends {...key} />
          </td>
          {canWrite && (
            <td class="number row-actions">
              <button
                type="button"
                class="button plain small-button"
                aria-label={`${words.rotate} ${key.name}`}
                onClick={() => ask({ what: "rotate", key })}
              >
                {words.rotate}
              </button>
              <button
                type="button"
                class="button plain small-button danger"
                aria-label={`${words.delete} ${key.name}`}
                onClick={() => ask({ what: "delete", key })}
              >
                {words.delete}
              </button>
            </td>
          )}
        </tr>
      ))}
    </Table>
  );
}

function Ends({ expires_at: ends, overlap_until: until }: KeyAnswer) {
  const now = Date.now();
  return (
    <>
      {ends ? when(ends) : hostTexts.never} {ends && ends < now ? <span class="pill warn">{words.expired}</span> : null}
      {until && until > now ? <span class="quiet small block">{words.overlap(when(until))}</span> : null}
    </>
  );
}

interface MakingProps {
  onMade: (made: NewKey) => void;
  onClose: () => void;
}

function Create({ onMade, onClose }: MakingProps) {
  const [name, setName] = useState("");
  const [days, setDays] = useState("0");
  const [chosen, choose] = useState<readonly string[]>([]);
  const ends = (): { expires_at?: number } => (Number(days) ? { expires_at: Date.now() + Number(days) * DAY_MS } : {});
  const tick = (scope: string, isOn: boolean): void => choose(isOn ? [...chosen, scope] : chosen.filter((one) => one !== scope));
  return (
    <Action
      title={words.createTitle}
      submit={words.create}
      isReady={name.trim() !== "" && chosen.length > 0}
      run={() => call("POST /v1/keys", { name: name.trim(), scopes: chosen, ...ends() })}
      onDone={onMade}
      onClose={onClose}
    >
      <Field label={words.name} hint={words.nameHint} value={name} onInput={setName} max={64} />
      <fieldset class="ticks">
        <legend>{words.scopes}</legend>
        {EVERY_SCOPE.map((scope) => (
          <Tick
            key={scope}
            label={hostTexts.scopes[scope] ?? scope}
            hint={scope}
            isChecked={chosen.includes(scope)}
            onChange={(isOn) => tick(scope, isOn)}
          />
        ))}
      </fieldset>
      <Select label={words.expires} value={days} options={Object.entries(words.lifetimes)} onChange={setDays} />
    </Action>
  );
}

function Rotate({ row, onMade, onClose }: MakingProps & { row: KeyAnswer }) {
  const [overlap, setOverlap] = useState("86400");
  return (
    <Action
      title={words.rotateTitle(row.name)}
      lead={words.rotateLead}
      submit={words.rotate}
      run={() => call("POST /v1/keys/{key}/rotate", { key: row.id, overlap_s: Number(overlap) })}
      onDone={onMade}
      onClose={onClose}
    >
      <Select label={words.overlapFor} value={overlap} options={Object.entries(words.overlaps)} onChange={setOverlap} />
    </Action>
  );
}

/** The secret, which nothing shows again. */
function Secret({ made, onClose }: { made: NewKey; onClose: () => void }) {
  return (
    <Dialog title={words.secretTitle(made.key.name)} onClose={onClose}>
      <div class="form">
        <p class="notice warn">{words.secretLead}</p>
        <Command text={made.secret} label={hostTexts.copy} />
        <div class="dialog-end">
          <button type="button" class="button" onClick={onClose}>
            {words.stored}
          </button>
        </div>
      </div>
    </Dialog>
  );
}
