/** The page People: a list by the beginning of the user id, and one person. */
import { signal } from "@preact/signals";
import { useState } from "preact/hooks";
import { when } from "./format.js";
import { may, usePages } from "./host_api.js";
import { go, Listed, Table, to } from "./host_parts.js";
import { hostTexts } from "./host_texts.js";
import { moderationTexts } from "./moderation_texts.js";
import { Choice, Search } from "./parts.js";
import { ErasedPeople, RestrictedPeople } from "./people_lists.js";
import { PersonPage } from "./person.js";
import type { UserAnswer } from "./routes.js";
import { texts } from "./texts.js";

const words = hostTexts.people;
const prefix = signal("");
const list = signal<keyof typeof LISTS>("all");
const LISTS = { all: All, restricted: RestrictedPeople, erased: ErasedPeople };
const ROUTES = { all: "GET /v1/users", restricted: "GET /v1/restrictions", erased: "GET /v1/erasures" } as const;

export function PeoplePage({ path: [user] }: { path: readonly string[] }) {
  return user ? <PersonPage key={user} user={user} /> : <People />;
}

function People() {
  const options = (["all", "restricted", "erased"] as const).filter((one) => may(ROUTES[one]));
  const Content = LISTS[list.value];
  return (
    <>
      {options.length > 1 && (
        <div class="toolbar">
          <Choice
            label={words.show}
            value={list.value}
            options={options.map((one) => [one, words.lists[one]] as const)}
            onChange={(next) => (list.value = next)}
          />
        </div>
      )}
      <Content />
    </>
  );
}

function All() {
  const [typed, type] = useState(prefix.value);
  const pages = usePages("GET /v1/users", { prefix: prefix.value }, (answer) => answer.users);
  const find = (): void => {
    const id = typed.trim();
    prefix.value = id;
    if (id && pages.rows?.length === 1 && pages.rows[0]?.user === id) go("people", id);
  };
  const { columns } = words;
  return (
    <>
      <div class="toolbar">
        <Search label={words.search} value={typed} onInput={type} onSubmit={find} />
        <button type="submit" class="button" onClick={find}>
          {words.find}
        </button>
      </div>
      <Listed
        pages={pages}
        icon="people"
        none={prefix.value ? words.noneOf(prefix.value) : words.none}
        hint={prefix.value ? words.noneOfHint : words.noneHint}
      >
        {(rows) => (
          <Table label={texts.pages.people.title} columns={[[columns.user], [columns.name], [columns.since]]}>
            {rows.map((row) => (
              <Row key={row.user} {...row} />
            ))}
          </Table>
        )}
      </Listed>
      {prefix.value && pages.rows && !pages.rows.some((row) => row.user === prefix.value) && (
        <a class="back" href={to("people", prefix.value)}>
          {words.openAnyway(prefix.value)}
        </a>
      )}
    </>
  );
}

function Row(row: UserAnswer) {
  const { user, name, created_at: since } = row;
  return (
    <tr>
      <th scope="row">
        <a class="row-link" href={to("people", user)}>
          <bdi>{user}</bdi>
        </a>{" "}
        <Badges {...row} />
      </th>
      <td data-name={words.columns.name}>{name ? <bdi>{name}</bdi> : <span class="quiet">{words.unnamed}</span>}</td>
      <td data-name={words.columns.since}>{when(since)}</td>
    </tr>
  );
}

/** What is not usual about an account. */
export function Badges({ disabled, kind, restriction }: UserAnswer) {
  return (
    <>
      {kind && kind !== "person" && <span class="pill accent">{words.kinds[kind]}</span>}{" "}
      {restriction && <span class="pill bad">{moderationTexts.restriction.kinds[restriction.what].name}</span>}{" "}
      {disabled && <span class="pill warn">{words.disabled}</span>}
    </>
  );
}
