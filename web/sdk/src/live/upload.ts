/** The upload of a note while it is spoken (protocol.md, "Live notes").
 *
 * It is the begin of an ordinary upload under the same key, which `Media.post` ends: whatever breaks off here, the message
 * is sent as any other.
 */

import type { GetToken } from "../tokens.js";

const RETRY_MS = 1000;
const TYPE = { "Content-Type": "application/offset+octet-stream" };

export interface LiveUploadOptions {
  /** As the reply to hello says: `client.media.url`. */
  readonly url: string;
  readonly token: GetToken;
  readonly room: string;
  /** Of the upload: 22 characters, as of a message. */
  readonly key: string;
}

/** One note on its way: `add` what was recorded, then `stop`, or `cancel`. */
export class LiveUpload {
  private _bytes = new Uint8Array(0);
  private _address = "";
  private _isOver = false;
  private _wake = (): void => {};
  private readonly _running: Promise<void>;

  constructor(private readonly _options: LiveUploadOptions) {
    this._running = this._run();
  }

  /** Take what was recorded next. */
  add(bytes: Uint8Array): void {
    const all = new Uint8Array(this._bytes.length + bytes.length);
    all.set(this._bytes);
    all.set(bytes, this._bytes.length);
    this._bytes = all;
    this._wake();
  }

  /** Send nothing more; resolves when no request is under way. The last page is left to the upload that ends it. */
  async stop(): Promise<void> {
    this._isOver = true;
    this._wake();
    await this._running;
  }

  /** Take it back: nobody hears more. */
  async cancel(): Promise<void> {
    await this.stop();
    if (this._address) await this._ask("DELETE", this._address).catch(() => undefined);
  }

  private async _run(): Promise<void> {
    let offset = 0;
    while (!this._isOver) {
      try {
        if (!this._address) offset = await this._begin();
        else if (offset === this._bytes.length) await new Promise<void>((resolve) => (this._wake = resolve));
        else {
          const body = this._bytes.slice(offset);
          offset = offsetOf(await this._ask("PATCH", this._address, { ...TYPE, "Upload-Offset": `${offset}` }, body));
        }
      } catch {
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
        const answer = this._address && !this._isOver ? await this._ask("HEAD", this._address).catch(() => undefined) : undefined;
        if (answer) offset = offsetOf(answer);
      }
    }
  }

  private async _begin(): Promise<number> {
    const { key, room, url } = this._options;
    const said = { key, kind: "voice", live: room, filetype: "audio/ogg" };
    const metadata = Object.entries(said).map(([name, value]) => `${name} ${btoa(value)}`).join(",");
    const answer = await this._ask("POST", `${url}/v1/files`, { "Upload-Defer-Length": "1", "Upload-Metadata": metadata });
    this._address = new URL(answer.headers.get("Location")!, url).href;
    return offsetOf(answer);
  }

  private async _ask(method: string, url: string, more: Record<string, string> = {}, body?: Uint8Array<ArrayBuffer>): Promise<Response> {
    const headers = { ...more, "Tus-Resumable": "1.0.0", Authorization: `Bearer ${await this._options.token()}` };
    const answer = await fetch(url, { method, headers, ...(body && { body }) });
    if (!answer.ok) {
      // It was refused for good, or is no live note any more: what ends it says why.
      if ([400, 403, 404, 413, 415, 422].includes(answer.status)) this._isOver = true;
      throw new Error(`${answer.status}`);
    }
    return answer;
  }
}

const offsetOf = (answer: Response): number => Number(answer.headers.get("Upload-Offset"));
