/** Notifications that the push service cannot read: the keys of this device, and opening with them (RFC 8291, RFC 8188). */

import { notificationFrom, type PushNotification } from "./core/push_notification.js";
import { textOf, utf8 } from "./core/utf8.js";
import { base64url, DIGITS } from "./env.js";

/** The keys of one device, in base64url. `p256dh` and `auth` go to the server; the private one stays in what the system has
 * for secrets. */
export interface SealingKeys {
  readonly p256dh: string;
  readonly auth: string;
  readonly privateKey: string;
}

/** The part of SubtleCrypto that is used. React Native has none: that of `react-native-quick-crypto` will do. */
export type Subtle = Pick<SubtleCrypto, "generateKey" | "exportKey" | "importKey" | "deriveBits" | "sign" | "decrypt">;

const CURVE = { name: "ECDH", namedCurve: "P-256" };
/** Bytes of a point of P-256, of a secret, of salt and size of a record, of the tag of AES-GCM. */
const [POINT, SECRET, HEAD, TAG] = [65, 16, 20, 16] as const;

/** Make the keys of a device. */
export async function makeKeys(subtle: Subtle = crypto.subtle): Promise<SealingKeys> {
  const { privateKey } = await subtle.generateKey(CURVE, true, ["deriveBits"]);
  const { d, x, y } = await subtle.exportKey("jwk", privateKey);
  const point = Uint8Array.of(4, ...bytesOf(x!), ...bytesOf(y!));
  return { p256dh: base64url(point), auth: base64url(crypto.getRandomValues(new Uint8Array(SECRET))), privateKey: d! };
}

/** Open a sealed payload, as bytes or in base64url; undefined when it is damaged or was sealed for other keys. */
export async function openSealed(
  sealed: Uint8Array | string, keys: SealingKeys, subtle: Subtle = crypto.subtle,
): Promise<PushNotification | undefined> {
  const bytes = typeof sealed === "string" ? bytesOf(sealed) : sealed;
  const plain = await unseal(bytes, keys, subtle).catch(() => undefined);
  return plain && notificationFrom(textOf(plain, 0, plain.length));
}

/** Return the notification that an app was given, as FCM or a gateway has it: opened where it is sealed, and where that fails
 * what the push service sees of it. */
export async function receivedNotification(
  data: Readonly<Record<string, unknown>>, keys: SealingKeys | undefined, subtle?: Subtle,
): Promise<PushNotification | undefined> {
  const { sealed } = data;
  const opened = keys && typeof sealed === "string" ? await openSealed(sealed, keys, subtle) : undefined;
  return opened ?? notificationFrom(data);
}

/** Return what a message of one record says. */
export async function unseal(sealed: Uint8Array, keys: SealingKeys, subtle: Subtle): Promise<Uint8Array | undefined> {
  const sender = sealed.subarray(HEAD + 1, HEAD + 1 + POINT);
  if (sealed[HEAD] !== POINT || sealed.length < HEAD + 1 + POINT + TAG + 1) return undefined;
  const own = bytesOf(keys.p256dh);
  const hmac = async (key: Uint8Array, ...parts: (string | Uint8Array | number)[]): Promise<Uint8Array> => {
    const imported = await subtle.importKey("raw", Uint8Array.from(key), { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
    return new Uint8Array(await subtle.sign("HMAC", imported, joined(parts)));
  };
  const [x, y] = [own.subarray(1, 33), own.subarray(33)].map(base64url);
  const jwk = { kty: "EC", crv: "P-256", x: x!, y: y!, d: keys.privateKey };
  const mine = await subtle.importKey("jwk", jwk, CURVE, false, ["deriveBits"]);
  const theirs = await subtle.importKey("raw", Uint8Array.from(sender), CURVE, false, []);
  const shared = new Uint8Array(await subtle.deriveBits({ name: "ECDH", public: theirs }, mine, 256));
  const input = await hmac(await hmac(bytesOf(keys.auth), shared), "WebPush: info\0", own, sender, 1);
  const secret = await hmac(sealed.subarray(0, SECRET), input);
  const key = (await hmac(secret, "Content-Encoding: aes128gcm\0", 1)).slice(0, 16);
  const iv = (await hmac(secret, "Content-Encoding: nonce\0", 1)).slice(0, 12);
  const aes = await subtle.importKey("raw", key, "AES-GCM", false, ["decrypt"]);
  const record = Uint8Array.from(sealed.subarray(HEAD + 1 + POINT));
  const padded = new Uint8Array(await subtle.decrypt({ name: "AES-GCM", iv }, aes, record));
  // Behind the content are a 2, which ends the last record, and zeros.
  let end = padded.length - 1;
  while (end > 0 && padded[end] === 0) end -= 1;
  return padded[end] === 2 ? padded.subarray(0, end) : undefined;
}

function joined(parts: readonly (string | Uint8Array | number)[]): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(parts.flatMap((part) => {
    if (typeof part === "number") return [part];
    return typeof part === "string" ? utf8(part) : [...part];
  }));
}

/** Return the bytes of a text in base64url, with or without padding. */
export function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  const bytes: number[] = [];
  let [bits, held] = [0, 0];
  for (const sign of text.replace(/=+$/, "")) {
    held = (held << 6) | DIGITS.indexOf(sign);
    bits += 6;
    if (bits >= 8) bytes.push((held >> (bits -= 8)) & 0xff);
    held &= (1 << bits) - 1;
  }
  return Uint8Array.from(bytes);
}
