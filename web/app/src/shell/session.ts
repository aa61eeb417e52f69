/** The session of this tab: whose client it is, where its tokens come from, sign-in and sign-out.
 *
 * A user who was here before sees the stored rooms at once, while configuration and token are on their way. Nobody
 * keeps a token: the client asks for one when it needs it.
 */
import { effect, signal } from "@preact/signals";
import { Client } from "@chatd/client/people";
import { browser, canShare } from "@chatd/client/browser";
import { msgpack } from "@chatd/client/msgpack";
import { language } from "../locale/locale.js";
import { allowPictures } from "./pictures.js";
import { endPush } from "./push.js";
import * as server from "./server.js";
import { attach, client, closed, signedIn } from "./state.js";
import { keep, kept } from "./web_storage.js";

/** The stage of the page: looking for a session, signed in, to sign in, or without an answer of the server. */
export type Stage = "starting" | "signedIn" | "signIn" | "unreachable";

export const stage = signal<Stage>("starting");
export const config = signal<server.ServerConfig | null>(null);
/** The user to begin a sign-in with. */
export const lastUser = signal("");

/** Where this browser, and in sessionStorage this tab, keep who signed in last. */
const USER = "chatd:user";
const CONFIG = "chatd:config";
/** The time a sign-out waits for the server to forget this device. */
const FAREWELL_MS = 2000;

type Source = () => Promise<string | null>;
let source: Source | null = null;
/** A token that was fetched already, to learn its user or with a password. */
let spare: string | null = null;
let stop: (() => void) | null = null;

/** Take every token from this function: the page around an embedded client has them. */
export function useTokens(next: Source): void {
  source = next;
}

/** Show what is stored of the last user, or find out who is signed in. */
export async function startSession(): Promise<void> {
  stage.value = "starting";
  const known = source ? "" : userOfTab() || (server.hasLink() ? "" : (kept("localStorage", USER) ?? ""));
  lastUser.value = known;
  const stored = JSON.parse(kept("localStorage", CONFIG) ?? "null") as server.ServerConfig | null;
  const fetched = learnConfig();
  if (known && stored) {
    if (!config.peek()) takeConfig(stored);
    fetched.catch(() => undefined);
    return open(known);
  }
  try {
    await fetched;
    const token = known ? null : await nextToken();
    if (!known && token === null) return toSignIn();
    spare = token;
    open(known || server.userOfToken(token!));
  } catch {
    stage.value = "unreachable";
  }
}

/** Fetch the configuration of the server, and keep it for a start without network. */
export async function learnConfig(): Promise<server.ServerConfig> {
  const found = await server.fetchConfig();
  takeConfig(found);
  keep("localStorage", CONFIG, JSON.stringify(found));
  return found;
}

function takeConfig(found: server.ServerConfig): void {
  config.value = found;
  allowPictures([server.addressOf("").origin, ...(found.media_origins ?? [])]);
}

/** Sign in with a password; throws HttpError when it is refused. */
export async function signIn(user: string, password: string, remember: boolean): Promise<void> {
  const wanted = remember && config.peek()?.remember ? { remember } : {};
  const device = deviceOf(user);
  spare = await server.logIn({ user, password, ...(device && { device }), ...wanted });
  open(user);
}

/** Sign out: the server forgets this device and the cookie, this browser what it stores of the user. */
export async function signOut(): Promise<void> {
  const user = lastUser.peek();
  const gone = endPush()
    .catch(() => undefined)
    .then(() => client().removeDevice(client().device));
  await Promise.race([gone.catch(() => undefined), new Promise((resolve) => setTimeout(resolve, FAREWELL_MS))]);
  await forget();
  await erase(user);
}

/** Ask for a sign-in: with the form, or on the page of the host's site. */
export function toSignIn(): void {
  closeSession();
  const address = config.peek()?.login_url;
  if (address && !source) location.assign(address);
  else stage.value = "signIn";
}

/** Forget what this browser stores of the user, and begin anew. */
export async function clearStored(): Promise<void> {
  closeSession();
  await erase(lastUser.peek());
  location.reload();
}

/** Erase the chats, drafts and unsent messages of a user in this browser. */
async function erase(user: string): Promise<void> {
  for (const part of ["", ":media"]) {
    await new Promise((resolve) => {
      const request = indexedDB.deleteDatabase(`chatd:${user}${part}`);
      request.onsuccess = request.onerror = request.onblocked = resolve;
    });
  }
}

function open(user: string): void {
  closeSession();
  lastUser.value = user;
  keep("sessionStorage", USER, user);
  keep("localStorage", USER, user);
  const device = deviceOf(user);
  const opened = new Client({
    ...(device && { device }),
    url: server.socketAddress(config.peek()!),
    token: tokenForClient,
    codec: msgpack,
    settings: { app: "chatd web", locale: language.peek() },
    ...browser(user),
  });
  const detach = attach(opened, user);
  // 4201: the server revoked the device or the user; what proves who one is is of no use any more.
  const watching = effect(() => void (closed.value?.code === 4201 && forget()));
  stop = () => (watching(), detach());
  stage.value = "signedIn";
}

/** Return a token of the user of this tab; the tab asks for a sign-in when there is none. */
export async function tokenForClient(): Promise<string> {
  const token = await nextToken();
  const user = token === null ? "" : server.userOfToken(token);
  if (user === lastUser.peek()) return token!;
  const follows = source !== null || Boolean(config.peek()?.token_url);
  if (token === null || (userOfTab() && !follows)) toSignIn();
  else {
    // The site around, or the cookie of a tab that is nobody's yet, is of somebody else by now.
    spare = token;
    open(user);
  }
  throw new Error("no token for this user");
}

async function nextToken(): Promise<string | null> {
  const token = spare;
  spare = null;
  if (token !== null) return token;
  if (source) return source();
  const linked = await server.linkToken(signedIn.peek() ? client().device : undefined);
  if (linked !== null) return linked;
  const address = config.peek()?.token_url;
  return address ? server.hostToken(address) : server.sessionToken();
}

async function forget(): Promise<void> {
  await server.endSession();
  server.forgetLink();
  keep("sessionStorage", USER, null);
  keep("localStorage", USER, null);
  toSignIn();
}

/** End the client of this page; nothing that is stored changes. */
export function closeSession(): void {
  stop?.();
  stop = null;
}

/** The device that all tabs of a user are here, so that a token may be bound to it; where tabs cannot share, each is one. */
function deviceOf(user: string): string | undefined {
  if (!canShare()) return undefined;
  const place = `chatd:${user}:device`;
  const known = kept("localStorage", place);
  if (known) return known;
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const made = btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").slice(0, 22);
  keep("localStorage", place, made);
  return made;
}

const userOfTab = (): string => kept("sessionStorage", USER) ?? "";
