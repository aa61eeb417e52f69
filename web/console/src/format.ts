/** Numbers, sizes, times and durations as an operator reads them. */

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const tenths = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });
const short = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const dateTime = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short" });

/** A count, exact up to a million. */
export const count = (value: number): string => (value >= 1e6 ? short : whole).format(value);

/** A rate, with tenths while it is small. */
export const rate = (value: number): string => (value < 10 ? tenths.format(value) : count(value));

/** A count on an axis, as short as can be. */
export const brief = (value: number): string => (value < 10 ? tenths : short).format(value);

/** Milliseconds, with tenths below ten; seconds from one on. */
export function milliseconds(value: number): string {
  if (value >= 1000) return `${tenths.format(value / 1000)} s`;
  return `${(value < 10 ? tenths : whole).format(value)} ms`;
}

/** Bytes with a unit of 1,024. */
export function bytes(value: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${(unit && value < 100 ? tenths : whole).format(value)} ${units[unit]}`;
}

/** A share of one as a percentage. */
export const percent = (value: number): string => `${(value < 0.1 ? tenths : whole).format(value * 100)} %`;

/** A time of day with seconds, of Unix seconds. */
export const timeOfDay = (seconds: number): string => clock.format(seconds * 1000);

/** A date and a time, of Unix milliseconds. */
export const when = (ms: number): string => dateTime.format(ms);

/** A duration in its two largest units, of seconds. */
export function duration(seconds: number): string {
  const units: [number, string][] = [
    [86400, "d"],
    [3600, "h"],
    [60, "min"],
    [1, "s"],
  ];
  const first = units.findIndex(([size]) => seconds >= size);
  if (first < 0) return "0 s";
  const [large, small] = [units[first]!, units[first + 1]];
  const rest = small ? Math.floor((seconds % large[0]) / small[0]) : 0;
  const text = `${Math.floor(seconds / large[0])} ${large[1]}`;
  return rest && small ? `${text} ${rest} ${small[1]}` : text;
}

/** A value of a setting, as TOML writes it. */
export const setting = (value: unknown): string => JSON.stringify(value).replaceAll('","', '", "');
