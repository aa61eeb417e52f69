/** The host's API behind the session of this console: calls with their types, and what this visitor may call. */
import { useEffect, useRef, useState } from "preact/hooks";
import { isReached, session, visitor } from "./api.js";
import { SCOPES, type Routes } from "./routes.js";

export type Route = keyof Routes;
export type Asked<R extends Route> = Routes[R]["asked"] & Named<R>;
export type Answer<R extends Route> = Routes[R]["answer"];
type Named<Path extends string> = Path extends `${string}{${infer Name}}${infer Rest}`
  ? { [name in Name]: string | number } & Named<Rest>
  : unknown;

/** Why a call was refused (docs/api.md "Errors"); `unreachable` is ours. */
export interface Problem {
  code: string;
  detail?: string;
  field?: string;
  retry_after?: number;
}

export type Result<R extends Route> = { value: Answer<R>; problem?: never } | { problem: Problem; value?: never };

/** Whether the role of this visitor opens a route; what it does not open is not shown. */
export function may(route: Route): boolean {
  const scope = SCOPES[route];
  const { scopes } = visitor.value;
  return scopes.includes(scope) || scopes.includes(scope.replace(/\.read$/, ""));
}

/** A key for what a request makes: repeated with it, a request makes nothing more. */
export const newKey = (): string => crypto.randomUUID().replaceAll("-", "");

/** Call a route. What names its path is taken out of `asked`; the rest is its query, or its body. */
export async function call<R extends Route>(route: R, asked: Asked<R>): Promise<Result<R>> {
  const [method = "", template = ""] = route.split(" ");
  const rest: Record<string, unknown> = { ...(asked as object) };
  const path = template.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = String(rest[name]);
    delete rest[name];
    return encodeURIComponent(value);
  });
  const hasBody = method !== "GET" && method !== "DELETE";
  const given = Object.entries(rest).filter(([, value]) => value !== undefined && value !== "");
  const query = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
  try {
    const response = await fetch(path.slice(1) + (query && !hasBody ? `?${query}` : ""), {
      method,
      headers: { Accept: "application/json", ...(hasBody && { "Content-Type": "application/json" }) },
      ...(hasBody && { body: JSON.stringify(rest) }),
    });
    isReached.value = true;
    if (response.status === 401) session.value = "closed";
    const answer = await response.json();
    return response.ok ? { value: answer as Answer<R> } : { problem: answer as Problem };
  } catch {
    isReached.value = false;
    return { problem: { code: "unreachable" } };
  }
}

export interface Loaded<T> {
  value: T | null;
  problem: Problem | null;
  reload: () => Promise<void>;
}

/** The answer of a route while the calling component is shown, asked for anew when `asked` changes. */
export function useAnswer<R extends Route>(route: R, asked: Asked<R>): Loaded<Answer<R>> {
  const key = `${route} ${JSON.stringify(asked)}`;
  const [found, setFound] = useState<{ key: string; result: Result<R> } | null>(null);
  const newest = useRef(key);
  newest.current = key;
  const reload = async (): Promise<void> => {
    const result = await call(route, asked);
    if (newest.current === key) setFound({ key, result });
  };
  useEffect(() => void reload(), [key]);
  const result = found?.key === key ? found.result : null;
  return { value: result?.value ?? null, problem: result?.problem ?? null, reload };
}

export interface Pages<Row> {
  rows: readonly Row[] | null;
  problem: Problem | null;
  /** Ask for the next page; absent at the end. */
  more: (() => Promise<void>) | null;
  reload: () => Promise<void>;
}

/** The rows of a route that answers in pages, from the first on; `rowsOf` takes them out of an answer. */
export function usePages<R extends Route, Row>(
  route: R,
  asked: Asked<R>,
  rowsOf: (answer: Answer<R>) => readonly Row[],
): Pages<Row> {
  const key = `${route} ${JSON.stringify(asked)}`;
  const [found, setFound] = useState<{ key: string; rows: readonly Row[]; more?: string; problem?: Problem } | null>(null);
  const newest = useRef(key);
  newest.current = key;
  const load = async (before: readonly Row[], more?: string): Promise<void> => {
    const { value, problem } = await call(route, { ...asked, ...(more && { more }) } as Asked<R>);
    if (newest.current !== key) return;
    if (problem) return setFound({ key, rows: before, problem });
    const next = (value as { more?: string }).more;
    setFound({ key, rows: [...before, ...rowsOf(value)], ...(next && { more: next }) });
  };
  useEffect(() => void load([]), [key]);
  const shown = found?.key === key ? found : null;
  const next = shown?.more;
  return {
    rows: shown?.rows ?? null,
    problem: shown?.problem ?? null,
    more: shown && next ? () => load(shown.rows, next) : null,
    reload: () => load([]),
  };
}
