/** Time, chance, timers and sockets: the only file of the core that asks the platform for them. */

/** A timer that has been set. */
export interface Timer {
  cancel(): void;
}

/** The part of a WebSocket that the client uses; that of browsers, Node and React Native fits. */
export interface Socket {
  binaryType: string;
  readonly protocol: string;
  onopen: ((event: never) => void) | null;
  onmessage: ((event: { data: any } & never) => void) | null;
  onclose: ((event: { code: number; reason: string } & never) => void) | null;
  onerror: ((event: never) => void) | null;
  send(data: string | Uint8Array<ArrayBuffer>): void;
  close(code?: number, reason?: string): void;
}

/** The class of such sockets. */
export type SocketClass = new (url: string, protocols: string[]) => any;

/** Time, chance, timers and sockets, as the client needs them; a test passes its own. */
export interface Env {
  /** Return seconds that never jump. */
  monotonic(): number;
  /** Return Unix milliseconds of this device, only for display. */
  timeMs(): number;
  /** Return a number in [0, 1). */
  random(): number;
  /** Return a fresh idempotency key: 22 characters, base64url of a UUIDv7 (protocol.md, "Identifiers and counters"). */
  key(): string;
  /** Return a fresh device id: 22 characters, base64url of 128 random bits. */
  device(): string;
  /** Call `action` once, `delayS` seconds from now. */
  callLater(delayS: number, action: () => void): Timer;
  /** Open a WebSocket. */
  connect(url: string, protocols: string[]): Socket;
  /** Whether something other than the server answers at its address (protocol.md, "Rules for mobile clients"); left out
   * where the system tells of captive portals, or none are met. */
  isPortal?(url: string): Promise<boolean>;
}

/** The clock, randomness, timers and sockets of the platform.
 *
 * Throws without `crypto.getRandomValues`, as on React Native (import "react-native-get-random-values" first), and
 * without a WebSocket, as on Node 20 (pass one: `new SystemEnv(WebSocket)`).
 */
export class SystemEnv implements Env {
  constructor(private readonly _WebSocket = (globalThis as { WebSocket?: SocketClass }).WebSocket) {
    if (typeof globalThis.crypto?.getRandomValues !== "function") {
      throw new Error('no crypto.getRandomValues: import "react-native-get-random-values" first');
    }
    if (!_WebSocket) {
      throw new Error("no WebSocket: pass one, new SystemEnv(WebSocket)");
    }
  }

  monotonic(): number {
    return performance.now() / 1000;
  }

  timeMs(): number {
    return Date.now();
  }

  random(): number {
    return Math.random();
  }

  key(): string {
    return base64url(uuid7(this.timeMs(), noise(10)));
  }

  device(): string {
    return base64url(noise(16));
  }

  callLater(delayS: number, action: () => void): Timer {
    // Longer delays than a timer holds would fire at once.
    const timer = setTimeout(action, Math.min(delayS * 1000, 2 ** 31 - 1));
    return { cancel: () => clearTimeout(timer) };
  }

  connect(url: string, protocols: string[]): Socket {
    return new this._WebSocket!(url, protocols);
  }
}

/** Wait by the clock of `env`. */
export function wait(env: Env, delayS: number): Promise<void> {
  return new Promise((resolve) => env.callLater(delayS, resolve));
}

/** Return a UUIDv7 of 48 bits of time and 74 of the 80 bits of `noise` (RFC 9562, section 5.7). */
export function uuid7(timeMs: number, noise: Uint8Array): Uint8Array {
  const value = new Uint8Array(16);
  // What is stored is the rest of a division by 256.
  for (let at = 0; at < 6; at++) value[at] = timeMs / 256 ** (5 - at);
  value.set(noise, 6);
  value[6] = 0x70 | (value[6]! & 0x0f);
  value[8] = 0x80 | (value[8]! & 0x3f);
  return value;
}

export const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/** Return URL-safe base64 without padding (RFC 4648, section 5). */
export function base64url(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length * 8; at += 6) {
    const pair = (bytes[at >> 3]! << 8) | (bytes[(at >> 3) + 1] ?? 0);
    text += DIGITS[(pair >> (10 - (at & 7))) & 63];
  }
  return text;
}

function noise(length: number): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(length));
}
