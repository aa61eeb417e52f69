/** What files of users take, and how the process is that keeps them; on the page Storage. */
import type { Now } from "./api.js";
import { bytes, count } from "./format.js";
import { may, useAnswer } from "./host_api.js";
import { Refusal, Table, to } from "./host_parts.js";
import { Card, Facts, Skeleton } from "./parts.js";
import { texts } from "./texts.js";

const words = texts.files;

export function Files({ media }: { media: NonNullable<Now["media"]> }) {
  return (
    <Card title={words.title} aside={<span class={media.state.startsWith("ok") ? "pill ok" : "pill warn"}>{media.state}</span>}>
      <Facts
        rows={[
          [words.url, <code key="url">{media.url}</code>],
          [words.free, bytes(media.free_bytes)],
          [words.connections, words.of(count(media.connections), count(media.connections_max))],
          [words.waiting, count(media.waiting)],
        ]}
      />
      {may("GET /v1/media/usage") && <Usage />}
    </Card>
  );
}

function Usage() {
  const { value, problem } = useAnswer("GET /v1/media/usage", {});
  if (problem) return <Refusal problem={problem} />;
  if (!value) return <Skeleton />;
  return (
    <>
      <Facts
        rows={[
          [words.stored, words.storedOf(count(value.files), bytes(value.bytes))],
          [words.soon, bytes(value.free_bytes)],
          ...value.kinds.map((one) => [words.kinds[one.kind] ?? one.kind, words.storedOf(count(one.files), bytes(one.bytes))] as const),
        ]}
      />
      {value.users.length > 0 && (
        <Table label={words.most} columns={[[words.most], [words.count, "end"], [words.bytes, "end"]]}>
          {value.users.map((one) => (
            <tr key={one.name}>
              <th scope="row">
                {one.name ? (
                  <a class="row-link" href={to("people", one.name)}>
                    {one.name}
                  </a>
                ) : (
                  words.host
                )}
              </th>
              <td data-name={words.count} class="number">
                {count(one.files)}
              </td>
              <td data-name={words.bytes} class="number">
                {bytes(one.bytes)}
              </td>
            </tr>
          ))}
        </Table>
      )}
    </>
  );
}
