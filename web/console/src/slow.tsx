/** The page Slow: the connections with the most bytes waiting. */
import { signal } from "@preact/signals";
import { read, type Connection } from "./api.js";
import { useRefresh } from "./condition.js";
import { Connections } from "./connections.js";
import { Empty, Skeleton } from "./parts.js";
import { texts } from "./texts.js";

const EVERY_MS = 5_000;
const words = texts.connections;

const found = signal<readonly Connection[] | null>(null);

export function SlowPage() {
  useRefresh(async () => {
    found.value = (await read<Connection[]>("slow")) ?? found.value;
  }, EVERY_MS);
  const rows = found.value;
  return (
    <>
      <p class="lead quiet">
        {words.slowLead} {words.updated}.
      </p>
      {!rows && <Skeleton />}
      {rows && rows.length > 0 && <Connections rows={rows} label={texts.pages.slow.title} />}
      {rows?.length === 0 && <Empty icon="slow" title={words.slowNone} hint={words.slowNoneHint} />}
    </>
  );
}
