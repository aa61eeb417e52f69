/** The parts that pages of the host's API share. */
import { signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { Empty, Skeleton } from "./parts.js";
import { useAnswer, type Answer, type Asked, type Loaded, type Pages, type Problem, type Route } from "./host_api.js";
import { hostTexts, problemText } from "./host_texts.js";
import { Icon, type IconName } from "./icons.js";

const SAID_MS = 4_000;

/** What was just done, for the reader of the page. */
export const said = signal("");
let timer: ReturnType<typeof setTimeout> | undefined;

export function say(text: string): void {
  said.value = text;
  clearTimeout(timer);
  timer = setTimeout(() => (said.value = ""), SAID_MS);
}

interface Subject<Value> extends Loaded<Value> {
  /** How often it was changed here: the key of what has to be read anew then. */
  changes: number;
  /** To be called when it was changed. */
  onChange: (text?: string) => void;
}

/** What a page is about: the answer of a route, which the page changes, too. */
export function useSubject<R extends Route>(route: R, asked: Asked<R>): Subject<Answer<R>> {
  const loaded = useAnswer(route, asked);
  const [changes, setChanges] = useState(0);
  const onChange = (text: string = hostTexts.done): void => {
    say(text);
    setChanges(changes + 1);
    void loaded.reload();
  };
  return { ...loaded, changes, onChange };
}

export function Refusal({ problem }: { problem: Problem }) {
  return (
    <p class="notice bad" role="alert">
      <Icon name="alert" size={18} />
      {problemText(problem)}
    </p>
  );
}

interface TableProps {
  label: string;
  /** Names of the columns; that of one with buttons is for screen readers. */
  columns: readonly (readonly [string, ("end" | "buttons")?])[];
  children: ComponentChildren;
}

/** A table, which is a list of cards on a phone: each cell has the name of its column in `data-name`. */
export function Table({ label, columns, children }: TableProps) {
  return (
    <div class="table-box card" role="region" aria-label={label} tabIndex={0}>
      <table class="table">
        <thead>
          <tr>
            {columns.map(([name, place]) => (
              <th key={name} scope="col" class={place && "number"}>
                {place === "buttons" ? <span class="unseen">{name}</span> : name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}

interface ListProps<Row> {
  pages: Pages<Row>;
  icon: IconName;
  none: string;
  hint: string;
  children: (rows: readonly Row[]) => ComponentChildren;
}

/** The pages of a list: its rows, or why there are none, and a button for more. */
export function Listed<Row>({ pages, icon, none, hint, children }: ListProps<Row>) {
  const { rows, problem, more } = pages;
  return (
    <>
      {problem && <Refusal problem={problem} />}
      {!rows && !problem && <Skeleton />}
      {rows && rows.length > 0 && children(rows)}
      {rows?.length === 0 && !problem && <Empty icon={icon} title={none} hint={hint} />}
      {more && (
        <button type="button" class="button plain wide" onClick={() => void more()}>
          {hostTexts.more}
        </button>
      )}
    </>
  );
}

/** A way back to the list that a page was opened from. */
export function Back({ to, text }: { to: string; text: string }) {
  return (
    <a class="back" href={`#/${to}`}>
      <Icon name="back" size={18} />
      {text}
    </a>
  );
}

/** Go to a page by its address. */
export const go = (...path: string[]): void => {
  location.hash = `#/${path.map(encodeURIComponent).join("/")}`;
};

/** The address of a page. */
export const to = (...path: string[]): string => `#/${path.map(encodeURIComponent).join("/")}`;
