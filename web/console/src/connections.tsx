/** The table of connections, which two pages show. */
import type { Connection } from "./api.js";
import { bytes, count, duration } from "./format.js";
import { texts } from "./texts.js";

const { columns } = texts.connections;

/** One row for each connection; on a phone one card for each. */
export function Connections({ rows, label }: { rows: readonly Connection[]; label: string }) {
  return (
    <div class="table-box card" role="region" aria-label={label} tabIndex={0}>
      <table class="table">
        <thead>
          <tr>
            <th scope="col">{columns.user}</th>
            <th scope="col">{columns.app}</th>
            <th scope="col">{columns.address}</th>
            <th scope="col">{columns.mode}</th>
            <th scope="col" class="number">
              {columns.age}
            </th>
            <th scope="col" class="number">
              {columns.rooms}
            </th>
            <th scope="col" class="number">
              {columns.queued}
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <Row key={`${row.user} ${row.device}`} {...row} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Row({ user, device, app, os, address, mode, age_s: age, rooms, queued_bytes: queued, lagging }: Connection) {
  return (
    <tr>
      <th scope="row">
        <bdi class="user">{user}</bdi>
        <code class="quiet device">{device}</code>
      </th>
      <td data-name={columns.app}>
        <bdi>{app || texts.connections.unknownApp}</bdi> <bdi class="quiet">{os}</bdi>
      </td>
      <td data-name={columns.address}>
        <code>{address}</code>
      </td>
      <td data-name={columns.mode}>
        <span class={`dot ${mode}`} />
        {mode === "background" ? texts.connections.background : texts.connections.foreground}
      </td>
      <td data-name={columns.age} class="number">
        {duration(age)}
      </td>
      <td data-name={columns.rooms} class="number">
        {count(rooms)}
      </td>
      <td data-name={columns.queued} class="number">
        {bytes(queued)} {lagging && <span class="pill warn">{texts.connections.lagging}</span>}
      </td>
    </tr>
  );
}
