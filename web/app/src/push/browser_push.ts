/** The notifications of this browser: its permission, its subscription, and what the worker has to know. */
import { effect, signal } from "@preact/signals";
import { subscribe, unsubscribe, type PushKind } from "@chatd/client/push";
import { ownJoins } from "../groups/own_joins.js";
import { language, region } from "../locale/locale.js";
import { friendRequests, pushOffer } from "../shell/contacts.js";
import { go, openRoom, parse } from "../shell/router.js";
import { hasWorker, setWish, wish } from "../shell/push.js";
import { config } from "../shell/session.js";
import { settings } from "../shell/settings.js";
import { client, me, phase, signedIn, totalUnread } from "../shell/state.js";
import { alone, CACHE, ENTRY, type ForWorker, type FromWorker, type Remembered } from "./worker_link.js";

/** `unsupported`: the browser has none; `install`: it has some once this is on the home screen; `none`: the server sends none
 * to browsers; `blocked`: the user said no to the browser; `failed`: the browser's push service did not answer. */
export type BrowserPush = "unsupported" | "install" | "none" | "blocked" | "off" | "failed" | "on";

/** How long changes of the chats are gathered before shown notifications are looked through. */
const GATHER_MS = 500;
/** Those after which some may be over. */
const CHANGES = new Set(["roomChanged", "roomGone", "contactsChanged", "accountChanged"]);

const permission = signal<NotificationPermission>("Notification" in window ? Notification.permission : "denied");
const wished = signal(wish());
const failed = signal(false);
/** The user whose browser was registered since the page was loaded. */
let registered = "";

/** How it stands with notifications in this browser; the caller is drawn again when that changes. */
export function browserPush(): BrowserPush {
  // Safari on a phone: only what stands on the home screen gets notifications.
  const installs = (navigator as { standalone?: boolean }).standalone === false;
  if (!hasWorker.value || !("PushManager" in window) || !("Notification" in window)) return installs ? "install" : "unsupported";
  if (!pushOffer.value?.platforms.includes("web")) return "none";
  if (permission.value === "denied") return "blocked";
  if (wished.value !== "on" || permission.value !== "granted") return "off";
  return failed.value ? "failed" : "on";
}

/** Whether the user may be asked here: they never were, and it can be done. */
export const mayAsk = (): boolean => browserPush() === "off" && wish() === null;

/** Ask for the permission of the browser, and register; called by a press, else browsers do not ask. */
export async function turnOn(): Promise<BrowserPush> {
  permission.value = await Notification.requestPermission();
  if (permission.value === "granted") choose("on");
  registered = "";
  await refresh();
  return browserPush();
}

/** No notifications in this browser any more. */
export async function turnOff(): Promise<void> {
  choose("off");
  await end();
}

/** Do not ask again. */
export const declineOffer = (): void => choose("off");

/** Register this browser, once a page and when the server does not know it any more. */
export async function refresh(): Promise<void> {
  wished.value = wish();
  const state = browserPush();
  if ((state !== "on" && state !== "failed") || phase.peek() !== "ready") return;
  if (registered === me.peek() && client().push?.registered) return;
  registered = me.peek();
  try {
    await subscribe(client(), await navigator.serviceWorker.ready);
    failed.value = false;
  } catch {
    failed.value = true;
    registered = "";
  }
}

/** End the subscription, and take the notifications that are shown from the screen. */
export async function end(): Promise<void> {
  registered = "";
  const registration = await navigator.serviceWorker.ready;
  await closeShown(() => true);
  await unsubscribe(client(), registration);
}

/** Answer the worker, or do what it says. */
export function answer({ data, ports }: MessageEvent<FromWorker>): void {
  if (data.push === "room") ports[0]?.postMessage(openRoom.peek());
  if (data.push === "open") go(parse(data.path));
  if (data.push === "subscribe") {
    registered = "";
    void refresh();
  }
}

function choose(value: "on" | "off"): void {
  setWish(value);
  wished.value = value;
}

/** Close the notifications of what was read, or is gone. */
async function closeRead(): Promise<void> {
  if (phase.peek() === "ready") await closeShown(isOver);
}

async function closeShown(which: (notification: Partial<Remembered>) => boolean): Promise<void> {
  const registration = await navigator.serviceWorker.ready;
  await alone(async () => {
    for (const shown of await registration.getNotifications()) {
      if (which((shown.data ?? {}) as Partial<Remembered>)) shown.close();
    }
  });
}

/** Whether what a notification tells of was read or answered, or is gone. */
function isOver({ kind = "other", room, seq }: Partial<Remembered>): boolean {
  // One that may tell nothing does not tell its room either: it goes when nothing at all is unread.
  const left: Partial<Record<PushKind, number>> = {
    friend: friendRequests.peek(),
    message: totalUnread.peek(),
    mention: totalUnread.peek(),
  };
  if (!room) return left[kind] === 0;
  if (kind === "offer") return !ownJoins.peek().some((one) => one.room === room && one.kind === "offered");
  const known = client().rooms.get(room);
  if (!known) return true;
  if (kind === "join") return !known.summary.joins;
  // Whoever came into a group has seen so when they opened it.
  return seq === undefined ? openRoom.peek() === room : known.readTo >= seq;
}

/** Tell the worker what it has to know while no page is open. */
async function tellWorker(known: ForWorker): Promise<void> {
  const cache = await caches.open(CACHE);
  await cache.put(new URL(ENTRY, document.baseURI), new Response(JSON.stringify(known)));
}

if (hasWorker.peek() && "Notification" in window) {
  effect(() => {
    const known = { language: language.value, region: region.value, site: config.value?.title ?? "", quiet: settings.value.quiet };
    tellWorker({ ...known, site: known.site || "chatd" }).catch(() => undefined);
  });
  effect(() => {
    if (!signedIn.value || phase.value !== "ready") return;
    let timer = setTimeout(() => void closeRead(), GATHER_MS);
    const soon = (): void => {
      clearTimeout(timer);
      timer = setTimeout(() => void closeRead(), GATHER_MS);
    };
    const stop = client().on(({ kind }) => CHANGES.has(kind) && soon());
    return () => (clearTimeout(timer), stop());
  });
  effect(() => {
    // Somebody else, who was asked or not, may have signed in.
    if (me.value) wished.value = wish();
  });
  const follow = (status: PermissionStatus) => (status.onchange = () => (permission.value = Notification.permission));
  (navigator.permissions as Permissions | undefined)?.query({ name: "notifications" }).then(follow, () => undefined);
}
