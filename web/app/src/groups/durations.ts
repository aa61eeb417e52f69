/** Times in words: "30 seconds", "1 week". */
import { region } from "../locale/locale.js";

const UNITS = [
  ["year", 365 * 86_400],
  ["week", 7 * 86_400],
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
  ["second", 1],
] as const;

/** Return seconds as a number of the largest unit that is whole. */
export function durationText(seconds: number): string {
  const [unit, size] = UNITS.find(([, each]) => seconds % each === 0)!;
  const format = new Intl.NumberFormat(region.value, { style: "unit", unit, unitDisplay: "long" });
  return format.format(seconds / size);
}

/** Return a wait that grows shorter, as "1:05", or "12 s" below a minute. */
export function waitText(seconds: number): string {
  if (seconds < 60) return new Intl.NumberFormat(region.value, { style: "unit", unit: "second", unitDisplay: "short" }).format(seconds);
  const [minutes, rest] = [Math.floor(seconds / 60), String(seconds % 60).padStart(2, "0")];
  if (minutes < 60) return `${minutes}:${rest}`;
  return `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")}:${rest}`;
}
