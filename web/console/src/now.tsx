/** The page Now: whether all is well, the figures of this second, and their last minutes. */
import { computed, signal } from "@preact/signals";
import { Chart, Sparkline, type Series } from "./chart_view.js";
import { useCondition } from "./condition.js";
import { points, type Point } from "./figures.js";
import { brief, bytes, count, duration, milliseconds, percent, rate, when } from "./format.js";
import { Icon } from "./icons.js";
import { COMMIT_MS, findings, LOOP_MS, type Finding, type Level } from "./judgement.js";
import { Card, Choice, Facts, Skeleton } from "./parts.js";
import { texts } from "./texts.js";
import type { Now } from "./api.js";

const RANGES = [60, 300, 600] as const;
type Range = (typeof RANGES)[number];
/** The seconds that the reader chose; until then as many as there are figures for. */
const chosen = signal<Range | null>(null);
const range = computed<Range>(() => {
  const known = (points.value.at(-1)?.t ?? 0) - (points.value[0]?.t ?? 0);
  return chosen.value ?? (known > RANGES[1] / 2 ? RANGES[1] : RANGES[0]);
});

export function NowPage() {
  const now = useCondition();
  const found = now ? findings(now, points.value) : null;
  return (
    <>
      <Verdict now={now} found={found} />
      <Tiles now={now} />
      <div class="section-head">
        <h2>{texts.now.recent}</h2>
        <Choice
          label={texts.now.range}
          value={range.value}
          options={RANGES.map((seconds) => [seconds, texts.now.ranges[seconds]] as const)}
          onChange={(seconds) => (chosen.value = seconds)}
        />
      </div>
      <Charts />
      <div class="columns">
        <Card title={texts.now.checks}>{found ? <Checks found={found} /> : <Skeleton rows={8} />}</Card>
        <Card title={texts.now.server}>{now ? <Server now={now} /> : <Skeleton rows={8} />}</Card>
      </div>
    </>
  );
}

/** The one sentence that an operator came for. */
function Verdict({ now, found }: { now: Now | null; found: Finding[] | null }) {
  if (!now || !found) return <div class="verdict loading" role="status" aria-label={texts.loading} />;
  const of = (level: Level): number => found.filter((one) => one.level === level).length;
  const [bad, warn] = [of("bad"), of("warn")];
  const level: Level = bad ? "bad" : warn ? "warn" : "ok";
  const title = bad ? texts.now.bad(bad) : warn ? texts.now.attention(warn) : texts.now.good;
  const urgent = found.filter((one) => one.level === "bad" || one.level === "warn");
  return (
    <section class={`verdict ${level}`} role="status">
      <span class="verdict-icon">
        <Icon name={level === "ok" ? "check" : "alert"} size={22} />
      </span>
      <div>
        <p class="verdict-title">{title}</p>
        <p class="quiet">{texts.now.running(now.version, duration((now.now - now.started_at) / 1000))}</p>
        {urgent.map(({ title: what, why }) => (
          <p key={what} class="verdict-why">
            <b>{what}.</b> {why}
          </p>
        ))}
      </div>
    </section>
  );
}

interface TileProps {
  name: string;
  value: string | null;
  hint?: string | undefined;
  isHigh?: boolean;
  line: (point: Point) => number | null;
}

function Tile({ name, value, hint, isHigh = false, line }: TileProps) {
  return (
    <div class={isHigh ? "tile card high" : "tile card"}>
      <span class="tile-name">{name}</span>
      <span class="tile-value">{value ?? "–"}</span>
      <span class="tile-hint">{hint}</span>
      <Sparkline value={line} seconds={range.value} />
    </div>
  );
}

function Tiles({ now }: { now: Now | null }) {
  const last = points.value.at(-1);
  const shown = (format: (value: number) => string, value: number | null | undefined): string | null =>
    value === null || value === undefined ? null : format(value);
  const commit = [...points.value].reverse().find((point) => point.commit_ms !== null && point.t > (last?.t ?? 0) - 60);
  const { tiles } = texts.now;
  return (
    <div class="tiles">
      <Tile
        name={tiles.connections}
        value={shown(count, last?.connections)}
        hint={now ? texts.now.ofLimit(count(now.connections_max)) : undefined}
        line={(point) => point.connections}
      />
      <Tile name={tiles.messages} value={shown(rate, last?.messages)} line={(point) => point.messages} />
      <Tile name={tiles.deliveries} value={shown(rate, last?.deliveries)} line={(point) => point.deliveries} />
      <Tile
        name={tiles.commit}
        value={shown(milliseconds, commit?.commit_ms?.[1])}
        hint={last && !commit ? texts.now.nothing : undefined}
        isHigh={(commit?.commit_ms?.[1] ?? 0) >= COMMIT_MS}
        line={(point) => point.commit_ms?.[1] ?? null}
      />
      <Tile
        name={tiles.loop}
        value={shown(milliseconds, last?.loop_ms)}
        isHigh={(last?.loop_ms ?? 0) >= LOOP_MS}
        line={(point) => point.loop_ms}
      />
      <Tile
        name={tiles.outboxes}
        value={shown(bytes, last?.outbox_bytes)}
        hint={last?.lagging ? texts.now.lagging(last.lagging) : undefined}
        line={(point) => point.outbox_bytes}
      />
      <Tile name={tiles.cpu} value={shown(percent, last?.cpu)} hint={texts.now.core} line={(point) => point.cpu} />
      <Tile name={tiles.memory} value={shown(bytes, last?.memory_bytes)} line={(point) => point.memory_bytes} />
    </div>
  );
}

const one = (value: (point: Point) => number | null): Series[] => [{ name: "", color: "--accent", value }];

const COMMIT: Series[] = [
  { name: texts.now.median, color: "--accent", value: (point) => point.commit_ms?.[0] ?? null },
  { name: texts.now.tail, color: "--tail", value: (point) => point.commit_ms?.[1] ?? null },
];

function Charts() {
  const { charts } = texts.now;
  const seconds = range.value;
  return (
    <div class="charts">
      <Chart title={charts.connections} series={one((p) => p.connections)} seconds={seconds} format={count} axis={brief} />
      <Chart title={charts.messages} series={one((p) => p.messages)} seconds={seconds} format={rate} axis={brief} />
      <Chart title={charts.deliveries} series={one((p) => p.deliveries)} seconds={seconds} format={rate} axis={brief} />
      <Chart title={charts.commit} series={COMMIT} seconds={seconds} format={milliseconds} axis={milliseconds} />
      <Chart title={charts.queue} series={one((p) => p.queue)} seconds={seconds} format={count} axis={brief} />
      <Chart title={charts.loop} series={one((p) => p.loop_ms)} seconds={seconds} format={milliseconds} axis={milliseconds} />
    </div>
  );
}

const ICONS = { bad: "alert", warn: "alert", hint: "info", ok: "check" } as const;

function Checks({ found }: { found: Finding[] }) {
  return (
    <ul class="checks">
      {found.map(({ level, title, why }) => (
        <li key={title} class={level}>
          <Icon name={ICONS[level]} size={18} />
          <span>
            {title}
            {why && <span class="quiet">{why}</span>}
          </span>
        </li>
      ))}
    </ul>
  );
}

function Server({ now }: { now: Now }) {
  const { facts } = texts.now;
  const backup = now.backup?.at;
  const ends = now.certificate?.ends_at;
  return (
    <Facts
      rows={[
        [
          facts.version,
          <>
            {now.version} <span class="quiet">{texts.now.runtime(now.python, now.sqlite)}</span>
          </>,
        ],
        [facts.uptime, when(now.started_at)],
        [
          facts.addresses,
          now.addresses.map((address) => (
            <code key={address} class="address">
              {address}
            </code>
          )),
        ],
        [facts.people, count(now.users)],
        [facts.rooms, count(now.rooms)],
        [facts.database, bytes(now.storage.database_bytes)],
        [facts.wal, bytes(now.storage.wal_bytes)],
        [facts.backup, backup ? when(backup) : texts.now.noBackup],
        [facts.certificate, ends ? when(ends) : texts.now.noCertificate],
      ]}
    />
  );
}
