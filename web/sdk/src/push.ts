/** `@chatd/client/push`: notifications for a device without a connection (protocol.md, "Push notifications"). Functions
 * that take the `Client` of `@chatd/client/people`, whose `push` says what the server offers.
 */

import type {
  DevicesPushRequest, PushDecision, PushPreferences as SentPreferences, PushTestReply,
} from "./core/packets.js";
import { base64url } from "./env.js";
import type { Client } from "./people.js";
import { bytesOf, type SealingKeys } from "./sealing.js";

export { notificationFrom, type PushKind, type PushNotification } from "./core/push_notification.js";
export { makeKeys, openSealed, receivedNotification, type SealingKeys, type Subtle } from "./sealing.js";

/** The place of this device at a push service (protocol.md, "devices.push"). With keys, what is sent is sealed, and the
 * service cannot read it (`openSealed`). */
export type PushAddress = Omit<DevicesPushRequest, "type" | "p256dh" | "auth"> & {
  keys?: Pick<SealingKeys, "p256dh" | "auth">;
};

/** Register this device, at every start of the app: a token has one owner, and moves to whoever registers it last. */
export async function register(client: Client, { keys, ...address }: PushAddress): Promise<void> {
  const seal = keys && { p256dh: keys.p256dh, auth: keys.auth };
  await client.call({ ...address, ...seal, type: "devices.push" });
}

/** Remove the place of this device, before it signs out. */
export async function unregister(client: Client, address: Omit<PushAddress, "token" | "keys">): Promise<void> {
  await client.call({ ...address, type: "devices.push", token: "" });
}

/** Subscribe this browser, which has the user's permission, and register it; false where the server has no Web Push.
 *
 * Call it at every start, when `client.push.registered` is missing, and after a `pushsubscriptionchange` of the worker.
 */
export async function subscribe(client: Client, { pushManager }: ServiceWorkerRegistration): Promise<boolean> {
  const { vapid = "", platforms = [] } = client.push ?? {};
  if (!vapid || !platforms.includes("web")) return false;
  let subscription = await pushManager.getSubscription();
  const key = subscription?.options.applicationServerKey;
  if (key && base64url(new Uint8Array(key)) !== vapid) {
    // The server has another key: what this subscription is sent would be refused.
    await subscription!.unsubscribe();
    subscription = null;
  }
  subscription ??= await pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: bytesOf(vapid) });
  const [p256dh = "", auth = ""] = (["p256dh", "auth"] as const).map((name) => {
    return base64url(new Uint8Array(subscription.getKey(name)!));
  });
  await register(client, { platform: "web", token: subscription.endpoint, keys: { p256dh, auth } });
  return true;
}

/** End the subscription of this browser, and remove its place at the server as far as that can be reached. */
export async function unsubscribe(client: Client, { pushManager }: ServiceWorkerRegistration): Promise<void> {
  const subscription = await pushManager.getSubscription();
  await Promise.all([subscription?.unsubscribe(), unregister(client, { platform: "web" })]);
}

/** What a user wants to be notified of, on all their devices. */
export type PushPreferences = Readonly<Required<SentPreferences>>;
/** A time of the day without sounds, by the wall clock; it ends on the next day where `to` is not above `from`. */
export type QuietHours = PushPreferences["quiet"][number];

const DEFAULTS: PushPreferences = {
  messages: "all", groups: "all", content: "full", mute_mentions: true, friends: true, invites: true, joins: true,
  reactions: false, quiet: [], timezone: "", quiet_mode: "silent",
};

/** Return what the user chose, on whatever device; `accountChanged` tells of a change. */
export function pushPreferencesOf(client: Client): PushPreferences {
  const { push } = (client.accountRows().preferences ?? {}) as { push?: Partial<PushPreferences> };
  return { ...DEFAULTS, ...push };
}

/** Change what the user chose; what is not named stays. */
export async function setPushPreferences(client: Client, change: Partial<PushPreferences>): Promise<void> {
  await client.call({ type: "preferences", push: { ...pushPreferencesOf(client), ...change } });
}

/** What became of a notification for one device; `outcome` is a word of protocol.md, "Asking why". */
export type Decision = Readonly<PushDecision>;

/** Return the decisions of the last day about this user, the newest first: of a message, a room, or all. */
export async function pushDecisions(
  client: Client, asked: { room?: string; seq?: number; limit?: number } = {},
): Promise<Decision[]> {
  return (await client.call({ ...asked, type: "push.decisions" })).decisions;
}

/** Have a notification sent to this device; return what became of it. */
export function testPush(client: Client): Promise<PushTestReply> {
  return client.call({ type: "push.test" });
}
