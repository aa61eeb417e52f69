/** The plain HTTP of the server: `client.json`, tokens, login (web/README.md, "Addresses" and "Tokens"). */

import { keep, kept } from "./web_storage.js";

export interface ServerConfig {
  version: string;
  socket: string;
  title: string;
  accent: string;
  login: boolean;
  remember: boolean;
  token_url?: string;
  login_url?: string;
  media_origins?: string[];
}

export interface Login {
  user: string;
  password: string;
  device?: string;
  remember?: boolean;
}

/** An answer that is no 2xx; `code` is a word of protocol.md, "Plain HTTP". */
export class HttpError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
  ) {
    super(code);
  }
}

/** The place in sessionStorage of the code of a login link. */
const LINK = "chatd.link";
let base: string = document.baseURI;

/** Talk to a server elsewhere: the embedded element does. */
export function useServer(address: string): void {
  base = address;
}

/** The absolute form of an address of the server. */
export function addressOf(path: string): URL {
  return new URL(path, base);
}

/** Fetch what the server says of itself. */
export async function fetchConfig(): Promise<ServerConfig> {
  return (await (await request("client.json", { cache: "no-store" })).json()) as ServerConfig;
}

/** The address of the WebSocket. */
export function socketAddress(config: ServerConfig): string {
  const url = addressOf(config.socket);
  url.protocol = url.protocol.replace("http", "ws");
  return url.href;
}

/** Ask for a token with a password. */
export async function logIn(login: Login): Promise<string> {
  return tokenOf(await request("v1/login", json(login)));
}

/** Ask for a token with the cookie of an earlier login; null if there is none, or it is over. */
export async function sessionToken(): Promise<string | null> {
  return refusedAsNull(async () => tokenOf(await request("v1/session", { method: "POST", credentials: "include" })));
}

/** Forget the cookie. */
export async function endSession(): Promise<void> {
  await request("v1/session", { method: "DELETE", credentials: "include" }).catch(() => undefined);
}

/** Ask for a token with the code of the login link that was opened in this tab; null without one that still holds. */
export async function linkToken(device: string | undefined): Promise<string | null> {
  const link = kept("sessionStorage", LINK);
  if (!link) return null;
  const token = await refusedAsNull(async () => tokenOf(await request("v1/login", json({ link, device }))));
  if (token === null) forgetLink();
  return token;
}

/** Ask the host's site for a token; null if it knows no session. */
export async function hostToken(address: string): Promise<string | null> {
  return refusedAsNull(async () => tokenOf(await request(address, { credentials: "include", cache: "no-store" })));
}

/** The code of the login link in the address; null if it is none. */
export function linkInAddress(): string | null {
  return /^#login=([A-Za-z0-9_-]{22})$/.exec(location.hash)?.[1] ?? null;
}

/** Keep the code of a login link for this tab and take it out of the address. */
export function takeLink(): void {
  const code = linkInAddress();
  if (code === null) return;
  keep("sessionStorage", LINK, code);
  // The tab may have shown somebody else.
  keep("sessionStorage", "chatd:user", null);
  history.replaceState(null, "", "#/");
}

/** Whether a login link was opened in this tab. */
export function hasLink(): boolean {
  return kept("sessionStorage", LINK) !== null;
}

/** Forget the login link. */
export function forgetLink(): void {
  keep("sessionStorage", LINK, null);
}

/** The user a token is for; empty if it cannot be read. Only the server judges a token: this names the storage. */
export function userOfToken(token: string): string {
  try {
    const payload = token.split(".")[1]!.replaceAll("-", "+").replaceAll("_", "/");
    const bytes = Uint8Array.from(atob(payload), (sign) => sign.charCodeAt(0));
    const { sub } = JSON.parse(new TextDecoder().decode(bytes)) as { sub?: unknown };
    return typeof sub === "string" ? sub : "";
  } catch {
    return "";
  }
}

async function request(path: string, init: RequestInit): Promise<Response> {
  const response = await fetch(addressOf(path), init);
  if (response.ok) return response;
  const body = (await response.json().catch(() => ({}))) as { code?: string };
  throw new HttpError(response.status, body.code ?? "");
}

async function tokenOf(response: Response): Promise<string> {
  return ((await response.json()) as { token: string }).token;
}

async function refusedAsNull<T>(work: () => Promise<T>): Promise<T | null> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof HttpError && [401, 403, 404].includes(error.status)) return null;
    throw error;
  }
}

const json = (body: object): RequestInit => ({
  method: "POST",
  credentials: "include",
  headers: { "Content-Type": "application/json" },
  body: JSON.stringify(body),
});
