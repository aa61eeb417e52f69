/** Lines of the log as the server writes them, taken apart: JSON, or text for people. */

export type Level = "debug" | "info" | "warning" | "error" | "critical";

export interface LogLine {
  number: number;
  time: string;
  level: Level;
  logger: string;
  message: string;
  /** What was given besides, by name. */
  fields: readonly (readonly [string, string])[];
  trace: string;
  /** The whole line, in small letters, to search in. */
  sought: string;
}

const NAMES: readonly (readonly [number, Level])[] = [
  [50, "critical"],
  [40, "error"],
  [30, "warning"],
  [20, "info"],
];
const TEXT = /^(\S+Z) (\w+) +([\w.]+): ([^\n]*)(?:\n([\s\S]*))?$/;
const STANDARD = ["ts", "level", "logger", "msg", "trace"];

/** Take one line apart; one of neither form is a message as it stands. */
export function parsed([number, level, text]: readonly [number, number, string]): LogLine {
  const line = { number, level: levelOf(level), sought: text.toLowerCase() };
  if (text.startsWith("{")) {
    try {
      return { ...line, ...ofJson(JSON.parse(text) as Record<string, unknown>) };
    } catch {
      // shown as it stands
    }
  }
  const found = TEXT.exec(text);
  const [, time = "", , logger = "", message = text, trace = ""] = found ?? [];
  return { ...line, time: clock(time), logger, message, fields: [], trace };
}

function ofJson(record: Record<string, unknown>): Pick<LogLine, "time" | "logger" | "message" | "fields" | "trace"> {
  const text = (name: string): string => String(record[name] ?? "");
  return {
    time: clock(text("ts")),
    logger: text("logger"),
    message: text("msg"),
    fields: Object.entries(record)
      .filter(([name]) => !STANDARD.includes(name))
      .map(([name, value]) => [name, String(value)] as const),
    trace: text("trace"),
  };
}

const levelOf = (level: number): Level => NAMES.find(([bound]) => level >= bound)?.[1] ?? "debug";

/** The time of day of a time of ISO 8601, as this machine has it. */
function clock(iso: string): string {
  const time = new Date(iso);
  return Number.isNaN(time.getTime()) ? "" : time.toLocaleTimeString("en-GB", { hour12: false });
}
