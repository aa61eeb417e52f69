/** The lists of people who are restricted, and of those who were erased. */
import { when } from "./format.js";
import { usePages } from "./host_api.js";
import { Listed, Table, to } from "./host_parts.js";
import { hostTexts } from "./host_texts.js";
import { moderationTexts } from "./moderation_texts.js";
import { untilText } from "./restriction.js";

const words = hostTexts.people;

function Name({ user }: { user: string }) {
  return (
    <th scope="row">
      <a class="row-link" href={to("people", user)}>
        <bdi>{user}</bdi>
      </a>
    </th>
  );
}

export function RestrictedPeople() {
  const pages = usePages("GET /v1/restrictions", {}, (answer) => answer.users);
  const { restriction } = moderationTexts;
  const { columns } = words;
  return (
    <Listed pages={pages} icon="people" none={words.noneRestricted} hint={words.noneRestrictedHint}>
      {(rows) => (
        <Table label={words.lists.restricted} columns={[[columns.user], [restriction.what], [columns.until], [restriction.reason]]}>
          {rows.map(({ user, what, until, reason }) => (
            <tr key={user}>
              <Name user={user} />
              <td data-name={restriction.what}>
                <span class="pill bad">{restriction.kinds[what].name}</span>
              </td>
              <td data-name={columns.until}>{untilText(until)}</td>
              <td data-name={restriction.reason}>{reason || "–"}</td>
            </tr>
          ))}
        </Table>
      )}
    </Listed>
  );
}

export function ErasedPeople() {
  const pages = usePages("GET /v1/erasures", {}, (answer) => answer.erasures);
  const { facts, states, found } = hostTexts.privacy;
  return (
    <Listed pages={pages} icon="people" none={words.noneErased} hint={words.noneErasedHint}>
      {(rows) => (
        <Table label={words.lists.erased} columns={[[words.columns.user], [facts.state], [facts.asked], [facts.check]]}>
          {rows.map(({ user, state, asked, check }) => (
            <tr key={user}>
              <Name user={user} />
              <td data-name={facts.state}>{states[state] ?? state}</td>
              <td data-name={facts.asked}>{when(asked)}</td>
              <td data-name={facts.check} class="long">
                {check ? `${when(check.time)}: ${found(check.found)}` : "–"}
              </td>
            </tr>
          ))}
        </Table>
      )}
    </Listed>
  );
}
