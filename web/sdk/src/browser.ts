/** `@chatd/client/browser`: what a client in a page needs beside `@chatd/client`: storage, tabs, life cycle. */

import type { ClientOptions } from "./client.js";
import { IndexedDbStorage } from "./indexeddb.js";
import { followPage } from "./page_lifecycle.js";
import { MemoryStorage } from "./storage.js";
import { TabEngine } from "./tab_engine.js";
import { BrowserTabs } from "./tabs.js";

/** Whether tabs can share a storage here: not without Web Locks (a page without https) nor without IndexedDB. */
export function canShare(): boolean {
  return Boolean(globalThis.navigator?.locks && globalThis.indexedDB && globalThis.BroadcastChannel);
}

/** Return the options of a client in a page: `new Client({ url, token, ...browser("u42") })`.
 *
 * All tabs of `user` share one IndexedDB and one connection. Where they cannot, each is a device of its own, with a storage in
 * memory.
 */
export function browser(user: string): Pick<ClientOptions, "storage" | "engine" | "follow"> {
  if (!canShare()) return { storage: new MemoryStorage(), follow: (client) => followPage(client, user, undefined) };
  const tabs = new BrowserTabs(user);
  return {
    storage: new IndexedDbStorage(user),
    engine: (parts) => new TabEngine(parts, tabs),
    follow: (client) => followPage(client, user, tabs),
  };
}
