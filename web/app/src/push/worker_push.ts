/** Notifications in the service worker: what a push brings is shown, also while no page is open.
 *
 * A push that shows nothing costs the permission after a few times, so every one of them is shown, unless its room is open in a
 * window that has the focus. A worker has no connection: what was read elsewhere goes from the screen when a page is open.
 */
import { notificationFrom, type PushNotification } from "@chatd/client/push";
import en from "../locale/en.push.json";
import zh from "../locale/zh-CN.push.json";
import { shownOf, type Words } from "./notification_text.js";
import { alone, CACHE, ENTRY, type ForWorker, type FromWorker, type Remembered } from "./worker_link.js";

declare const self: ServiceWorkerGlobalScope;

/** How long a window may take to say which room it shows. */
const ANSWER_MS = 500;
const NEWS: PushNotification = { kind: "other", tag: "" };

const addressOf = (path: string): string => new URL(path, self.location.href).href;

/** Handle pushes, presses on notifications, and subscriptions that the browser replaces. */
export function startPush(): void {
  self.addEventListener("push", (event) => event.waitUntil(show(notificationFrom(event.data?.text()) ?? NEWS)));
  self.addEventListener("notificationclick", (event) => {
    event.notification.close();
    event.waitUntil(open((event.notification.data as Remembered | null)?.path ?? "/"));
  });
  self.addEventListener("pushsubscriptionchange", (event) => event.waitUntil(renew(event as PushSubscriptionChangeEvent)));
}

async function show(notification: PushNotification): Promise<void> {
  const known = await fromPages();
  const isSeen = notification.room !== undefined && (await isLookedAt(notification.room));
  await Promise.all([isSeen || alone(() => display(notification, known)), setBadge(notification, known)]);
}

async function display(notification: PushNotification, known: Partial<ForWorker>): Promise<void> {
  const { kind, room, seq = 0, tag, quiet = false, time } = notification;
  const [before] = tag ? await self.registration.getNotifications({ tag }) : [];
  const last = before?.data as Remembered | null | undefined;
  // The same message again, or an older one behind a newer: what is shown stays, and is shown again without a sound.
  const isOld = last?.seq !== undefined && seq > 0 && seq <= last.seq;
  const shown = isOld ? { title: before!.title, body: before!.body } : shownOf(notification, wordsOf(known));
  const remembered: Remembered = isOld ? last! : { kind, path: pathOf(notification), ...(room && { room }), ...(seq && { seq }) };
  await self.registration.showNotification(shown.title, {
    body: shown.body,
    data: remembered,
    icon: addressOf("icons/icon-192.png"),
    badge: addressOf("icons/badge-96.png"),
    silent: quiet || isOld,
    // With `renotify` a notification that replaces another sounds like a new one; it needs a tag.
    ...(tag && { tag, renotify: !quiet && !isOld }),
    ...(time && { timestamp: time }),
  });
}

/** Put the number on the icon of the installed app. */
async function setBadge({ badge }: PushNotification, { quiet }: Partial<ForWorker>): Promise<void> {
  if (badge === undefined || quiet) return;
  await (badge ? self.navigator.setAppBadge?.(badge) : self.navigator.clearAppBadge?.())?.catch(() => undefined);
}

/** Return what the pages said last. */
async function fromPages(): Promise<Partial<ForWorker>> {
  const kept = await caches.match(addressOf(ENTRY), { cacheName: CACHE }).catch(() => undefined);
  return kept ? ((await kept.json()) as ForWorker) : {};
}

function wordsOf({ language = self.navigator.language, region = language, site = "chatd" }: Partial<ForWorker>): Words {
  return { texts: /^zh\b/i.test(language) ? zh : en, language: region, site };
}

/** The page that a press leads to. */
function pathOf({ kind, room }: PushNotification): string {
  if (kind === "offer") return "/invite/offers";
  if (room) return `/r/${encodeURIComponent(room)}`;
  return kind === "friend" ? "/people/requests" : kind === "test" ? "/me/notifications" : "/";
}

/** The windows of the client: not the frames in pages of other sites. */
async function pages(): Promise<WindowClient[]> {
  const all = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const page = addressOf("./");
  return all.filter(({ url, frameType }) => frameType === "top-level" && url.split(/[?#]/, 1)[0] === page);
}

/** Whether a room is open in the window that has the focus. */
async function isLookedAt(room: string): Promise<boolean> {
  const focused = (await pages()).filter((page) => page.focused);
  return (await Promise.all(focused.map(roomIn))).includes(room);
}

function roomIn(page: WindowClient): Promise<string> {
  const { port1, port2 } = new MessageChannel();
  return new Promise((resolve) => {
    port1.onmessage = ({ data }) => resolve(String(data));
    setTimeout(() => resolve(""), ANSWER_MS);
    page.postMessage({ push: "room" } satisfies FromWorker, [port2]);
  });
}

/** Show a path in a window that is open, or in a new one. */
async function open(path: string): Promise<void> {
  const all = await pages();
  const page = all.find(({ visibilityState }) => visibilityState === "visible") ?? all[0];
  if (!page) return void (await self.clients.openWindow(addressOf(`./#${path}`)));
  page.postMessage({ push: "open", path } satisfies FromWorker);
  await page.focus();
}

/** What the browser says of a subscription that it ended; not in the types of all versions. */
interface PushSubscriptionChangeEvent extends ExtendableEvent {
  readonly newSubscription?: PushSubscription | null;
  readonly oldSubscription?: PushSubscription | null;
}

/** Subscribe anew, and have a page tell the server; without one the next start does. */
async function renew({ newSubscription, oldSubscription }: PushSubscriptionChangeEvent): Promise<void> {
  if (!newSubscription && oldSubscription) await self.registration.pushManager.subscribe(oldSubscription.options);
  for (const page of await pages()) page.postMessage({ push: "subscribe" } satisfies FromWorker);
}
