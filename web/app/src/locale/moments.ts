/** A time that is near: of today the time of day, else its day, too. In the language of the reader. */
import { sameDay, timeOfDay } from "./dates.js";
import { region } from "./locale.js";

/** `time` in Unix milliseconds, as "14:02" or "Tue 8 Dec, 14:02"; with the year when it is not this one. */
export function momentOf(time: number, now = Date.now()): string {
  if (sameDay(time, now)) return timeOfDay(time);
  const isOfYear = new Date(time).getFullYear() === new Date(now).getFullYear();
  const year = isOfYear ? {} : ({ year: "numeric" } as const);
  const parts = { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" } as const;
  return new Date(time).toLocaleString(region.value, { ...parts, ...year });
}
