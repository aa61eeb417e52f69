/** The routes of the console (chatd/http/console.py), and whether this browser may ask them. */
import { signal } from "@preact/signals";

export interface Check {
  name: string;
  problem: string | null;
}

export interface Now {
  version: string;
  python: string;
  sqlite: string;
  started_at: number;
  now: number;
  addresses: string[];
  ready: boolean;
  checks: Check[];
  users: number;
  rooms: number;
  connections_max: number;
  storage: {
    directory: string;
    disk_bytes: number;
    min_free_bytes: number;
    database_bytes: number;
    wal_bytes: number;
    free_bytes: number;
  };
  /** The process for files of users; null where media are off. */
  media: {
    state: string;
    url: string;
    free_bytes: number;
    connections: number;
    connections_max: number;
    inspectors: number;
    waiting: number;
  } | null;
  backup: { directory: string; problem: string; name?: string; bytes?: number; at?: number } | null;
  certificate: { file: string; ends_at: number | null } | null;
}

export interface Connection {
  user: string;
  device: string;
  app: string;
  os: string;
  address: string;
  age_s: number;
  mode: string;
  encoding: string;
  rooms: number;
  queued_bytes: number;
  lagging: boolean;
}

export interface Setting {
  key: string;
  value: unknown;
  default: unknown;
  origin: string;
  counts: string;
  expects: string;
  about: string;
  waiting?: unknown;
  waiting_origin?: string;
}

/** Who looks, and what they may do: scopes of the host's API. */
export interface Visitor {
  name: string;
  scopes: readonly string[];
}

export const visitor = signal<Visitor>({ name: "", scopes: [] });

/** `unknown` until the first answer. */
export const session = signal<"unknown" | "open" | "closed">("unknown");

/** Whether the last request or stream reached the server. */
export const isReached = signal(true);

/** The answer of a route, or null when there is none now; the reason is in `session` or `isReached`. */
export async function read<T>(route: string): Promise<T | null> {
  try {
    const response = await fetch(`v1/${route}`, { headers: { Accept: "application/json" } });
    isReached.value = true;
    if (response.status === 401) session.value = "closed";
    if (!response.ok) return null;
    session.value = "open";
    return (await response.json()) as T;
  } catch {
    isReached.value = false;
    return null;
  }
}

/** Use up a key; the answer says why that failed, or "". */
export async function signIn(key: string): Promise<"" | "wrong" | "often" | "unreachable"> {
  try {
    const body = JSON.stringify({ key });
    const response = await fetch("v1/session", { method: "POST", headers: { "Content-Type": "application/json" }, body });
    if (response.ok) await checkSession();
    return response.ok ? "" : response.status === 429 ? "often" : "wrong";
  } catch {
    return "unreachable";
  }
}

export async function signOut(): Promise<void> {
  await fetch("v1/session", { method: "DELETE" }).catch(() => undefined);
  session.value = "closed";
}

/** Ask whether the cookie of this browser is still good, and for whom. */
export async function checkSession(): Promise<void> {
  visitor.value = (await read<Visitor>("session")) ?? visitor.value;
}
