/** Times in the language of the reader; all take Unix milliseconds. */
import { signal } from "@preact/signals";
import { region, t } from "./locale.js";

const formats = new Map<string, Intl.DateTimeFormat>();
const DAY = 86_400_000;
const MINUTE = 60_000;

/** Some time of this day. A text that names a day reads it, and is drawn anew after midnight. */
const today = signal(Date.now());

/** Look every minute whether a new day has begun. */
export function startDays(): void {
  setInterval(() => sameDay(today.peek(), Date.now()) || (today.value = Date.now()), MINUTE);
}

/** The time of day, as "14:02". */
export const timeOfDay = (time: number): string => format({ timeStyle: "short" }, time);

/** The whole date and time, for tooltips. */
export const dateAndTime = (time: number): string => format({ dateStyle: "full", timeStyle: "short" }, time);

/** The day of a message, as "Sunday, 23 November"; with the year when it is not this one. */
export function day(time: number, now = today.value): string {
  const ago = daysAgo(time, now);
  if (ago === 0) return t("date.today");
  if (ago === 1) return t("date.yesterday");
  const year = sameYear(time, now) ? {} : ({ year: "numeric" } as const);
  return format({ weekday: "long", day: "numeric", month: "long", ...year }, time);
}

/** The short time of a row: the time today, "Yesterday", the weekday, or the date. */
export function shortTime(time: number, now = today.value): string {
  const ago = daysAgo(time, now);
  if (ago <= 0) return timeOfDay(time);
  if (ago === 1) return t("date.yesterday");
  if (ago < 7) return format({ weekday: "short" }, time);
  return format(sameYear(time, now) ? { day: "numeric", month: "short" } : { dateStyle: "short" }, time);
}

/** Whether two times lie on one day. */
export const sameDay = (first: number, second: number): boolean => daysAgo(first, second) === 0;

const sameYear = (first: number, second: number): boolean => new Date(first).getFullYear() === new Date(second).getFullYear();

/** The days from the day of `time` to the day of `now`; a day of 23 or 25 hours counts as one. */
function daysAgo(time: number, now: number): number {
  return Math.round((new Date(now).setHours(0, 0, 0, 0) - new Date(time).setHours(0, 0, 0, 0)) / DAY);
}

function format(options: Intl.DateTimeFormatOptions, time: number): string {
  const place = region.value;
  const key = place + JSON.stringify(options);
  let found = formats.get(key);
  if (!found) formats.set(key, (found = new Intl.DateTimeFormat(place, options)));
  return found.format(time);
}

/** The date, as "12 December"; with the year when it is not this one. */
export function dateOf(time: number, now = today.value): string {
  return format({ day: "numeric", month: "long", ...(sameYear(time, now) ? {} : { year: "numeric" }) }, time);
}
