/** The bytes of one file on their way to the server (protocol.md, "Uploading"): tus 1.0, which goes on at the byte where it
 * broke.
 *
 * Nothing of it has to be remembered but the `key`: a repeated `POST` with the same key gives the first upload back, and how
 * much of it the server has.
 */

import { utf8 } from "../core/utf8.js";
import { base64url, type Env } from "../env.js";
import { reasonOf, type HttpAnswer, type Transport } from "./transport.js";

/** Bytes of one request. Platforms that do not tell how much they sent tell it once for each. */
const CHUNK_BYTES = 8 * 2 ** 20;
/** Seconds between two attempts without progress: doubled from the first to the last. */
const RETRY_S = { first: 1, last: 30 };
/** Seconds between two questions whether an inspected file is ready. */
const INSPECTING_S = 1;

export type FileKind = "picture" | "video" | "voice" | "sticker" | "file";
export type Purpose = "message" | "avatar" | "cover" | "wallpaper";

/** What is uploaded, and what for. `key` identifies the upload: 22 characters, as of a message. */
export interface UploadSource {
  readonly key: string;
  readonly kind: FileKind;
  readonly purpose?: Purpose;
  readonly name?: string;
  readonly blob: Blob;
}

/** The server does not take the file (protocol.md, "Uploading"): `too_large`, `quota`, `unreadable`, `not_supported`, …;
 * `scope` says whose quota. */
export class UploadRefused extends Error {
  override readonly name = "UploadRefused";

  constructor(readonly code: string, readonly scope = "") {
    super(code);
  }
}

/** Something that may be different in a moment. */
class Later extends Error {
  constructor(readonly afterS = 0) {
    super("later");
  }
}

export interface UploadWatch {
  readonly signal: AbortSignal;
  /** Called with the bytes that the server has, or that are on the way to it. */
  readonly onProgress?: (bytes: number) => void;
}

/** Where the uploads go. `token` returns a token of this user; it is called again when the server refuses one. */
export interface UploadTarget {
  readonly url: () => string;
  readonly token: () => Promise<string> | string;
  readonly transport: Transport;
  readonly env: Pick<Env, "random" | "callLater">;
}

interface Standing {
  readonly address: string;
  readonly offset: number;
  readonly isReady: boolean;
}

/** Uploads files one by one; a token that the server accepted serves the next, too. */
export class Tus {
  private _token = "";
  private readonly _wake = new Set<() => void>();

  constructor(private readonly _target: UploadTarget) {}

  /** Try again now: the system reports a usable network. */
  networkChanged(): void {
    for (const wake of [...this._wake]) wake();
  }

  /** Upload a file and return its id, once it may be sent; goes on through whatever is only for now.
   *
   * Rejects with `UploadRefused`, and with the reason of the signal.
   */
  async upload(source: UploadSource, watch: UploadWatch): Promise<string> {
    let standing: Standing | undefined;
    let [tries, best] = [0, -1];
    for (;;) {
      try {
        const from: Standing = standing ? await this._head(standing.address, source, watch) : await this._begin(source, watch);
        // It went on since the last failure: the next one is the first again.
        if (from.offset > best) [tries, best] = [0, from.offset];
        standing = from;
        standing = await this._send(from, source, watch);
        if (standing.isReady) return standing.address.split("/").pop()!;
        await this._wait(INSPECTING_S, watch.signal);
      } catch (error) {
        stopIfAborted(watch.signal);
        if (error instanceof UploadRefused) {
          // The server gave it up meanwhile, as after two days without a network: it begins anew.
          if (error.code !== "not_found" || !standing) throw error;
          standing = undefined;
        }
        tries += 1;
        const backoffS = Math.min(RETRY_S.last, RETRY_S.first * 2 ** (tries - 1)) * (0.5 + this._target.env.random() / 2);
        await this._wait(Math.max(backoffS, error instanceof Later ? error.afterS : 0), watch.signal);
      }
    }
  }

  /** Return the bytes of an own file (protocol.md, "Fetching"). */
  async own(file: string): Promise<Blob> {
    for (let isFresh = false; ; isFresh = true) {
      if (!this._token) this._token = await this._target.token();
      const headers = { Authorization: `Bearer ${this._token}` };
      const response = await fetch(`${this._target.url()}/v1/media/own/${file}`, { headers });
      if (response.ok) return response.blob();
      if (response.status !== 401 || isFresh) throw new UploadRefused(CODES[response.status] ?? "unavailable");
      this._token = "";
    }
  }

  private async _begin(source: UploadSource, watch: UploadWatch): Promise<Standing> {
    const { key, kind, purpose = "message", name = "", blob } = source;
    const metadata = { key, kind, purpose, filename: name, filetype: blob.type.split(";")[0]! };
    const words = Object.entries(metadata).filter(([, value]) => value).map(([word, value]) => `${word} ${base64(value)}`);
    const headers = { "Upload-Length": `${blob.size}`, "Upload-Metadata": words.join(",") };
    const answer = await this._ask("POST", `${this._target.url()}/v1/files`, headers, watch);
    const address = new URL(answer.header("Location"), this._target.url()).href;
    return { address, offset: Number(answer.header("Upload-Offset")), isReady: isReady(answer) };
  }

  private async _head(address: string, { blob }: UploadSource, watch: UploadWatch): Promise<Standing> {
    const answer = await this._ask("HEAD", address, {}, watch);
    const offset = Number(answer.header("Upload-Offset"));
    return { address, offset: Math.min(offset, blob.size), isReady: isReady(answer) };
  }

  private async _send(from: Standing, { blob }: UploadSource, watch: UploadWatch): Promise<Standing> {
    let standing = from;
    watch.onProgress?.(standing.offset);
    while (standing.offset < blob.size) {
      const { address, offset } = standing;
      const body = blob.slice(offset, offset + CHUNK_BYTES);
      // It may have been begun before its length was known.
      const length = { "Upload-Length": `${blob.size}`, "Upload-Offset": `${offset}` };
      const headers = { ...length, "Content-Type": "application/offset+octet-stream" };
      const onSent = (bytes: number) => watch.onProgress?.(Math.min(blob.size, offset + bytes));
      const answer = await this._ask("PATCH", address, headers, watch, body, onSent);
      standing = { address, offset: Number(answer.header("Upload-Offset")), isReady: isReady(answer) };
    }
    return standing;
  }

  private async _ask(
    method: string, url: string, more: Readonly<Record<string, string>>, { signal }: UploadWatch, body?: Blob,
    onSent?: (bytes: number) => void,
  ): Promise<HttpAnswer> {
    for (let isFresh = false; ; isFresh = true) {
      stopIfAborted(signal);
      if (!this._token) this._token = await this._target.token();
      const headers = { ...more, "Tus-Resumable": "1.0.0", Authorization: `Bearer ${this._token}` };
      const answer = await this._target.transport({ method, url, headers, signal, ...(body && { body }), ...(onSent && { onSent }) });
      const { status } = answer;
      if (status < 300) return answer;
      const { code = "", retry_after = 0, scope = "" } = (answer.body ?? {}) as { code?: string; retry_after?: number; scope?: string };
      if (status === 401) {
        this._token = "";
        if (!isFresh) continue;
        throw new Later();
      }
      // 409: another request moved the offset, which the next HEAD tells; 460: bytes came wrong.
      if ([409, 423, 429, 460].includes(status) || status >= 500) throw new Later(retry_after / 1000);
      // An answer to HEAD has no body.
      throw new UploadRefused(code || CODES[status] || "bad_request", scope);
    }
  }

  private _wait(delayS: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = (): void => {
        timer.cancel();
        this._wake.delete(end);
        signal.removeEventListener("abort", end);
        if (signal.aborted) reject(reasonOf(signal));
        else resolve();
      };
      const timer = this._target.env.callLater(delayS, end);
      this._wake.add(end);
      signal.addEventListener("abort", end);
      if (signal.aborted) end();
    });
  }
}

/** The meaning of a status whose answer has no code. */
const CODES: Readonly<Record<number, string>> = {
  403: "forbidden", 404: "not_found", 410: "not_found", 413: "too_large", 415: "not_supported", 422: "unreadable",
};

/** Whether an answer says that the file is inspected. */
const isReady = (answer: HttpAnswer): boolean => answer.header("Chatd-File") === "ready";

/** Return the bytes of a text in base64 (tus, "Upload-Metadata"). */
function base64(text: string): string {
  const digits = base64url(Uint8Array.from(utf8(text))).replaceAll("-", "+").replaceAll("_", "/");
  return digits.padEnd(Math.ceil(digits.length / 4) * 4, "=");
}

/** Throw the reason of a signal that was aborted; React Native has no `throwIfAborted`. */
export function stopIfAborted(signal: AbortSignal): void {
  if (signal.aborted) throw reasonOf(signal);
}
