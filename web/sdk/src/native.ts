/** `@chatd/client/native`: React Native. The app brings a key-value store and `AppState`:
 *
 *     import "react-native-get-random-values";
 *     new Client({ url, token, ...native(AsyncStorage, AppState) });
 */

import { isPortal } from "./captive_portal.js";
import {
  MemoryStorage, SystemEnv, type Client, type Env, type Key, type Row, type Storage, type Tables,
} from "./index.js";

/** The part of AsyncStorage that is used. */
export interface Items {
  getAllKeys(): Promise<readonly string[]>;
  multiGet(keys: readonly string[]): Promise<readonly (readonly [string, string | null])[]>;
  multiSet(items: [string, string][]): Promise<void>;
  multiRemove(keys: string[]): Promise<void>;
}

/** The part of AppState that is used. */
export interface AppState {
  addEventListener(type: "change", listener: (state: string) => void): { remove(): void };
}

/** Return the options of a client that keeps its outbox and positions in `items` and follows the state of the app.
 *
 * Messages are fetched again after a restart: such stores are small. In the background the client is suspended, since
 * the system may stop the app at any moment.
 */
export function native(
  items: Items, state: AppState, prefix = "chatd:",
): { env: Env; storage: Storage; follow: (client: Client) => () => void } {
  return {
    env: new NativeEnv(),
    storage: new ItemStorage(items, prefix),
    follow: (client) => {
      const { remove } = state.addEventListener("change", (now) => {
        if (now === "active") void client.resume().catch(() => {});
        if (now === "background") void client.suspend();
      });
      return remove;
    },
  };
}

class NativeEnv extends SystemEnv {
  isPortal = isPortal;
}

class ItemStorage extends MemoryStorage {
  override readonly keepsMessages = false;
  private _written: Promise<void> = Promise.resolve();
  // Rows that a failed write left over; they go with the next.
  private _left: Row[] = [];

  constructor(private readonly _items: Items, private readonly _prefix: string) {
    super();
  }

  override async load(): Promise<Tables> {
    await this._written;
    const keys = (await this._items.getAllKeys()).filter((key) => key.startsWith(this._prefix)).sort();
    for (const [key, value] of await this._items.multiGet(keys)) {
      const [table, name] = JSON.parse(key.slice(this._prefix.length)) as [Row["table"], Key];
      if (value) await super.write([{ table, key: name, value: JSON.parse(value) }]);
    }
    return super.load();
  }

  override write(rows: readonly Row[]): Promise<void> {
    const kept = rows.filter(({ key }) => typeof key === "string");
    void super.write(kept);
    const written = this._written.then(async () => {
      const all = [...this._left, ...kept];
      this._left = all;
      // The store has no transactions: what is new goes before what is gone, and the epoch and the cursor behind both.
      const newest = [...new Map(all.map((row) => [this._prefix + JSON.stringify([row.table, row.key]), row]))];
      const isGone = ({ value }: Row) => value === undefined;
      await this._set(newest.filter(([, row]) => !isGone(row) && row.table !== "account"));
      const gone = newest.filter(([, row]) => isGone(row));
      if (gone.length) await this._items.multiRemove(gone.map(([key]) => key));
      await this._set(newest.filter(([, row]) => !isGone(row) && row.table === "account"));
      this._left = [];
    });
    this._written = written.catch(() => {});
    return written;
  }

  private async _set(rows: readonly (readonly [key: string, row: Row])[]): Promise<void> {
    if (rows.length) await this._items.multiSet(rows.map(([key, { value }]) => [key, JSON.stringify(value)]));
  }
}
