/** Addresses that open files for a while without a token (protocol.md, "Fetching and links"): for pictures and players, which
 * send no header. Many are asked for at once, and each serves until it is about to end.
 */

import type { Client } from "../client.js";
import type { FileLinkReply } from "../core/packets.js";

/** Most places of one request, and the milliseconds in which they are gathered. */
const BATCH = 50;
const GATHER_MS = 10;
/** Milliseconds before its end from which a link is not given out any more: a download begins late. */
const MARGIN_MS = 60_000;

/** A file in a message; `size`: a smaller rendition. */
export interface FilePlace {
  readonly room: string;
  readonly seq: number;
  readonly file: string;
  readonly size?: "m" | "s";
}

type Link = FileLinkReply["links"][number];

/** The file is not there for this user, or not any more. */
export class FileGone extends Error {
  override readonly name = "FileGone";
}

interface Waiting {
  readonly place: FilePlace;
  readonly promise: Promise<string>;
  readonly resolve: (url: string) => void;
  readonly reject: (error: unknown) => void;
}

export class Links {
  private readonly _known = new Map<string, Link>();
  private readonly _waiting = new Map<string, Waiting>();
  private _timer: unknown;

  constructor(private readonly _client: Pick<Client, "call">, private readonly _now = () => Date.now()) {}

  /** Return the link of a file if it is at hand. */
  peek(place: FilePlace): string | undefined {
    const link = this._known.get(nameOf(place));
    return link && link.expires_at - MARGIN_MS > this._now() ? link.url : undefined;
  }

  /** Return a link of a file. Rejects with `FileGone`, and with what `call` rejects with. */
  url(place: FilePlace): Promise<string> {
    const known = this.peek(place);
    if (known) return Promise.resolve(known);
    const name = nameOf(place);
    let waiting = this._waiting.get(name);
    if (!waiting) {
      waiting = { place, ...withResolvers<string>() };
      this._waiting.set(name, waiting);
      this._timer ??= setTimeout(() => this._ask(), GATHER_MS);
    }
    return waiting.promise;
  }

  /** Forget a link that did not open the file: the next is a new one. */
  drop(place: FilePlace): void {
    this._known.delete(nameOf(place));
  }

  private _ask(): void {
    this._timer = undefined;
    const all = [...this._waiting.values()];
    this._waiting.clear();
    for (let at = 0; at < all.length; at += BATCH) void this._fetch(all.slice(at, at + BATCH));
  }

  private async _fetch(some: readonly Waiting[]): Promise<void> {
    try {
      const places = some.map(({ place: { room, seq, file, size } }) => ({ room, seq, file, ...(size && { size }) }));
      const { links } = await this._client.call({ type: "file.link", places });
      for (const link of links) this._known.set(nameOf(link), link);
      for (const { place, resolve, reject } of some) {
        const link = this._known.get(nameOf(place));
        if (link && links.includes(link)) resolve(link.url);
        else reject(new FileGone());
      }
    } catch (error) {
      for (const { reject } of some) reject(error);
    }
  }
}

const nameOf = ({ room, seq, file, size }: Omit<FilePlace, "size"> & { size?: string }): string => `${room} ${seq} ${file} ${size ?? ""}`;

function withResolvers<T>(): { promise: Promise<T>; resolve: (value: T) => void; reject: (error: unknown) => void } {
  let resolve!: (value: T) => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<T>((one, other) => ([resolve, reject] = [one, other]));
  return { promise, resolve, reject };
}
