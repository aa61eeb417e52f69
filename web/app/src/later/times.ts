/** Times at which a message may be sent later; pure. */

const HOUR = 3_600_000;
const MORNING = 9;
const EVENING = 18;
/** Days for which a message may wait (protocol.md, "schedule"). */
const DAYS_MAX = 365;

export type TimeName = "hour" | "evening" | "tomorrow" | "monday";

/** Return the times to choose from, which are all still to come and on no two lines the same. */
export function timesFrom(now: number): { name: TimeName; at: number }[] {
  const weekday = new Date(now).getDay();
  const times: { name: TimeName; at: number }[] = [{ name: "hour", at: now + HOUR }];
  const evening = on(now, 0, EVENING);
  if (evening > now + HOUR) times.push({ name: "evening", at: evening });
  times.push({ name: "tomorrow", at: on(now, 1, MORNING) });
  // On a Sunday, Monday is tomorrow.
  if (weekday !== 0) times.push({ name: "monday", at: on(now, 8 - weekday, MORNING) });
  return times;
}

/** Return a time as a field of local time has it, as "2027-03-01T09:00". */
export function toField(time: number): string {
  const minutes = new Date(time).getTimezoneOffset();
  return new Date(time - minutes * 60_000).toISOString().slice(0, 16);
}

/** Return what a field of local time says; NaN where it is empty. */
export const fromField = (text: string): number => new Date(text).getTime();

/** The latest time. */
export const latestFrom = (now: number): number => on(now, DAYS_MAX - 1, MORNING);

function on(now: number, days: number, hour: number): number {
  const date = new Date(now);
  date.setDate(date.getDate() + days);
  return date.setHours(hour, 0, 0, 0);
}
