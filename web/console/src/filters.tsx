/** The page Filters: lists of words and patterns, and a text to test them with. */
import { useState } from "preact/hooks";
import { AuditOf } from "./audit.js";
import { Action, Field, Select } from "./dialog.js";
import { count } from "./format.js";
import { call, may, useAnswer, type Problem } from "./host_api.js";
import { Back, go, Refusal, say, Table, to, useSubject } from "./host_parts.js";
import { hostTexts } from "./host_texts.js";
import { Icon } from "./icons.js";
import { moderationTexts } from "./moderation_texts.js";
import { Card, Empty, Skeleton } from "./parts.js";
import type { FilterAnswer, FilterRow, TestAnswer } from "./routes.js";
import { texts } from "./texts.js";

const words = moderationTexts.filters;
type Does = FilterRow["does"];
const choices = (["flag", "mask", "reject"] as const).map((does) => [does, words.does[does]] as const);
const PILLS: Record<string, string> = { reject: "pill bad", mask: "pill warn", flag: "pill accent", pass: "pill ok" };
/** As many characters as all lists together may have. */
const LIST_MAX = 2 << 20;
const TEXT_MAX = 16_384;

export function FiltersPage({ path: [name] }: { path: readonly string[] }) {
  return name ? <FilterPage key={name} name={name} /> : <Filters />;
}

const DoesPill = ({ does }: { does: string }) => <span class={PILLS[does] ?? "pill"}>{words.does[does as Does] ?? does}</span>;

function Filters() {
  const { value, problem } = useAnswer("GET /v1/filters", {});
  const [isMaking, make] = useState(false);
  const { columns } = words;
  return (
    <>
      <div class="toolbar">
        <p class="lead quiet grow">{words.lead}</p>
        {may("PUT /v1/filters/{filter}") && (
          <button type="button" class="button" onClick={() => make(true)}>
            <Icon name="add" size={18} />
            {words.create}
          </button>
        )}
      </div>
      {problem && <Refusal problem={problem} />}
      {!value && !problem && <Skeleton />}
      {value?.filters.length === 0 && <Empty icon="filters" title={words.none} hint={words.noneHint} />}
      {value && value.filters.length > 0 && (
        <Table
          label={texts.pages.filters.title}
          columns={[[columns.name], [columns.does], [columns.reason], [columns.words, "end"], [columns.patterns, "end"]]}
        >
          {value.filters.map((row) => (
            <tr key={row.name}>
              <th scope="row">
                <a class="row-link" href={to("filters", row.name)}>
                  {row.name}
                </a>
              </th>
              <td data-name={columns.does}>
                <DoesPill does={row.does} />
              </td>
              <td data-name={columns.reason}>{row.reason || "–"}</td>
              <td data-name={columns.words} class="number">
                {count(row.word_count)}
              </td>
              <td data-name={columns.patterns} class="number">
                {count(row.pattern_count)}
              </td>
            </tr>
          ))}
        </Table>
      )}
      {may("POST /v1/filters/test") && <Test />}
      {isMaking && <Make onClose={() => make(false)} />}
    </>
  );
}

function Make({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState("");
  const [does, setDoes] = useState<Does>("flag");
  return (
    <Action
      title={words.create}
      lead={words.createLead}
      submit={words.create}
      isReady={name.trim() !== ""}
      run={() => call("PUT /v1/filters/{filter}", { filter: name.trim(), does })}
      onDone={() => go("filters", name.trim())}
      onClose={onClose}
    >
      <Field label={words.name} hint={words.nameHint} value={name} onInput={setName} max={32} />
      <Select label={words.what} value={does} options={choices} onChange={setDoes} />
    </Action>
  );
}

/** A text, and which rules would act on it. */
function Test() {
  const [text, setText] = useState("");
  const [found, setFound] = useState<TestAnswer | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const test = async (): Promise<void> => {
    const result = await call("POST /v1/filters/test", { text });
    setFound(result.value ?? null);
    setProblem(result.problem ?? null);
  };
  return (
    <Card title={words.test}>
      <form
        class="form flat"
        onSubmit={(event) => {
          event.preventDefault();
          void test();
        }}
      >
        <Field label={words.text} hint={words.testHint} value={text} onInput={setText} lines={3} max={TEXT_MAX} />
        <div class="dialog-end">
          <button type="submit" class="button" disabled={!text}>
            {words.try}
          </button>
        </div>
      </form>
      {problem && <Refusal problem={problem} />}
      <div role="status" class="outcome">
        {found && <Outcome found={found} />}
      </div>
    </Card>
  );
}

function Outcome({ found: { does, text, hits } }: { found: TestAnswer }) {
  return (
    <>
      <p>
        <DoesPill does={does} /> {words.outcomes[does as Does | "pass"] ?? does}
      </p>
      {does === "mask" && <blockquote class="quote message-text">{text}</blockquote>}
      <ul class="entries">
        {hits.map((hit, place) => (
          <li key={place}>
            <div>
              <bdi>{hit.found}</bdi>
              <span class="quiet small">
                {words.rule} <code>{hit.rule}</code> {words.of} <a href={to("filters", hit.filter)}>{hit.filter}</a>
              </span>
            </div>
            <DoesPill does={hit.does} />
          </li>
        ))}
      </ul>
    </>
  );
}

function FilterPage({ name }: { name: string }) {
  const { value, problem, changes, onChange } = useSubject("GET /v1/filters/{filter}", { filter: name });
  return (
    <>
      <Back to="filters" text={texts.pages.filters.title} />
      {problem && <Refusal problem={problem} />}
      {!value && !problem && <Skeleton rows={6} />}
      {value && <Edit filter={value} onChange={onChange} />}
      {value && may("GET /v1/audit") && <AuditOf key={changes} target={name} title={words.audit} />}
    </>
  );
}

const linesOf = (text: string): string[] => text.split("\n").map((line) => line.trim()).filter((line) => line !== "");

function Edit({ filter, onChange }: { filter: FilterAnswer; onChange: () => void }) {
  const { name } = filter;
  const [does, setDoes] = useState(filter.does);
  const [reason, setReason] = useState(filter.reason);
  const [list, setList] = useState(filter.words.join("\n"));
  const [patterns, setPatterns] = useState(filter.patterns.join("\n"));
  const [problem, setProblem] = useState<Problem | null>(null);
  const [isDeleting, askDelete] = useState(false);
  const canWrite = may("PUT /v1/filters/{filter}");
  const save = async (): Promise<void> => {
    const asked = { filter: name, does, reason: reason.trim(), words: linesOf(list), patterns: linesOf(patterns) };
    const result = await call("PUT /v1/filters/{filter}", asked);
    setProblem(result.problem ?? null);
    if (!result.problem) onChange();
  };
  return (
    <Card title={name} aside={<DoesPill does={filter.does} />}>
      <form
        class="form flat"
        onSubmit={(event) => {
          event.preventDefault();
          void save();
        }}
      >
        <fieldset class="form flat" disabled={!canWrite} aria-label={words.list}>
          <Select label={words.what} value={does} options={choices} onChange={setDoes} />
          <Field label={words.reason} hint={words.reasonHint} value={reason} onInput={setReason} max={64} />
          <Field label={words.words} hint={words.wordsHint} value={list} onInput={setList} lines={8} max={LIST_MAX} />
          <Field label={words.patterns} hint={words.patternsHint} value={patterns} onInput={setPatterns} lines={4} max={LIST_MAX} />
        </fieldset>
        {problem && <Refusal problem={problem} />}
        {canWrite && (
          <div class="dialog-end">
            <button type="button" class="button plain danger" onClick={() => askDelete(true)}>
              {words.delete}
            </button>
            <button type="submit" class="button">
              {words.save}
            </button>
          </div>
        )}
      </form>
      {isDeleting && (
        <Action
          title={words.deleteTitle(name)}
          lead={words.deleteLead}
          submit={words.delete}
          isDangerous
          run={() => call("DELETE /v1/filters/{filter}", { filter: name })}
          onDone={() => {
            say(hostTexts.done);
            go("filters");
          }}
          onClose={() => askDelete(false)}
        />
      )}
    </Card>
  );
}
