/** What the condition of the server means: sentences for people, the worst first. */
import type { Now } from "./api.js";
import type { Point } from "./figures.js";
import { bytes, duration, milliseconds, when } from "./format.js";
import { texts } from "./texts.js";

export type Level = "bad" | "warn" | "hint" | "ok";

export interface Finding {
  level: Level;
  title: string;
  why?: string;
}

const ORDER: Level[] = ["bad", "warn", "hint", "ok"];
const DAY_S = 86_400;
/** A nightly backup, and two hours for it. */
const BACKUP_OLD_S = DAY_S + 7_200;
const BACKUP_LOST_S = 7 * DAY_S;
/** Renewal is automatic 30 days ahead: two weeks before the end it did not work. */
const CERTIFICATE_SOON_S = 14 * DAY_S;
const CERTIFICATE_NOW_S = 3 * DAY_S;
/** As docs/grafana/alerts.yml. */
const WAL_BYTES = 1e9;
export const LOOP_MS = 100;
export const COMMIT_MS = 250;
/** Seconds of which more than half must be bad. */
const LOOK_S = 60;
const FREE_SHARE = 0.1;

/** Everything that is checked. */
export function findings(now: Now, points: readonly Point[]): Finding[] {
  const all = [...checks(now), ...speed(points), ...space(now), ...backup(now), ...certificate(now)];
  return all.sort((one, other) => ORDER.indexOf(one.level) - ORDER.indexOf(other.level));
}

function checks(now: Now): Finding[] {
  return now.checks.map(({ name, problem }) =>
    problem === null
      ? { level: "ok", title: texts.checks.ok[name] ?? name }
      : { level: "bad", title: texts.checks.bad[name] ?? name, why: `${problem}.` },
  );
}

function speed(points: readonly Point[]): Finding[] {
  const from = (points.at(-1)?.t ?? 0) - LOOK_S;
  const recent = points.filter((point) => point.t > from);
  const mostly = (isBad: (point: Point) => boolean): boolean => 2 * recent.filter(isBad).length > LOOK_S;
  const found: Finding[] = [];
  if (mostly((point) => point.loop_ms >= LOOP_MS)) {
    found.push({ level: "warn", title: texts.checks.loop, why: texts.checks.loopWhy(milliseconds(LOOP_MS)) });
  }
  if (mostly((point) => (point.commit_ms?.[1] ?? 0) >= COMMIT_MS)) {
    found.push({ level: "warn", title: texts.checks.commits, why: texts.checks.commitsWhy(milliseconds(COMMIT_MS)) });
  }
  return found;
}

function space({ storage }: Now): Finding[] {
  const found: Finding[] = [];
  if (storage.free_bytes < FREE_SHARE * storage.disk_bytes) {
    found.push({ level: "warn", title: texts.checks.space, why: texts.checks.spaceWhy(bytes(storage.free_bytes)) });
  }
  if (storage.wal_bytes > WAL_BYTES) {
    found.push({ level: "warn", title: texts.checks.wal, why: texts.checks.walWhy(bytes(storage.wal_bytes)) });
  }
  return found;
}

function backup(now: Now): Finding[] {
  if (!now.backup) return [{ level: "hint", title: texts.checks.backupUnknown, why: texts.checks.backupUnknownWhy }];
  const { directory, problem, at } = now.backup;
  if (problem) {
    return [{ level: "warn", title: texts.checks.backupNone, why: texts.checks.backupNoneWhy(directory, problem) }];
  }
  const age = at === undefined ? 0 : (now.now - at) / 1000;
  if (age < BACKUP_OLD_S) return [];
  const level = age < BACKUP_LOST_S ? "warn" : "bad";
  return [{ level, title: texts.checks.backupOld, why: texts.checks.backupOldWhy(duration(age)) }];
}

function certificate(now: Now): Finding[] {
  if (!now.certificate) return [];
  const { ends_at: endsAt, file } = now.certificate;
  if (endsAt === null) return [{ level: "warn", title: texts.checks.certificateUnreadable, why: file }];
  const left = (endsAt - now.now) / 1000;
  if (left > CERTIFICATE_SOON_S) return [];
  const title = left > 0 ? texts.checks.certificate : texts.checks.certificateOver;
  return [{ level: left > CERTIFICATE_NOW_S ? "warn" : "bad", title, why: texts.checks.certificateWhy(when(endsAt)) }];
}
