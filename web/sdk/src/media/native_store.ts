/** The messages on their way of an app in React Native: the records in its key-value store, the bytes in its files. */

import type { Items } from "../native.js";
import { MemoryMediaStore, type OutgoingFile, type OutgoingRecord } from "./store.js";

/** Keeps messages whose files all have a `uri`; others live as long as the app runs.
 *
 * `open` returns the bytes at a `uri`, as `async (uri) => (await fetch(uri)).blob()`; a message whose files are not there any
 * more is dropped. The app keeps the files until the message is posted, or gone.
 */
export class NativeMediaStore extends MemoryMediaStore {
  constructor(
    private readonly _items: Items, private readonly _open: (uri: string) => Promise<Blob>,
    private readonly _prefix = "chatd-media:",
  ) {
    super();
  }

  override async load(): Promise<OutgoingRecord[]> {
    const keys = (await this._items.getAllKeys()).filter((key) => key.startsWith(this._prefix));
    for (const [key, text] of await this._items.multiGet(keys)) {
      try {
        const { files, ...record } = JSON.parse(text!) as Omit<OutgoingRecord, "files"> & { files: Omit<OutgoingFile, "blob">[] };
        const whole = files.map(async (file) => ({ ...file, blob: await this._open(file.uri!) }));
        await super.put({ ...record, files: await Promise.all(whole) });
      } catch {
        await this._items.multiRemove([key]);
      }
    }
    return super.load();
  }

  override async put(record: OutgoingRecord): Promise<void> {
    await super.put(record);
    if (!record.files.every(({ uri }) => uri)) return;
    const files = record.files.map(({ blob: _, ...file }) => file);
    await this._items.multiSet([[this._prefix + record.key, JSON.stringify({ ...record, files })]]);
  }

  override async remove(key: string): Promise<void> {
    await super.remove(key);
    await this._items.multiRemove([this._prefix + key]);
  }
}
