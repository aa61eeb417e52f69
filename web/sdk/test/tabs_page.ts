/** A page with a client and nothing to see, for the tests of tabs and storage. */

import { Client, type Change } from "../src/index.js";
import { browser } from "../src/browser.js";
import { IndexedDbStorage } from "../src/indexeddb.js";

let client: Client;
const kinds: Record<string, number> = {};

const driver = {
  /** Start a client of `user`; `messagesMax` bounds what its storage keeps. */
  async open(url: string, token: string, user: string, messagesMax?: number): Promise<void> {
    const parts = browser(user);
    if (messagesMax !== undefined) parts.storage = new IndexedDbStorage(user, messagesMax);
    client = new Client({ url, token: async () => token, ...parts });
    client.on((change: Change) => (kinds[change.kind] = (kinds[change.kind] ?? 0) + 1));
    await client.start();
  },
  post: (room: string, text: string): Promise<string> => client.room(room).post({ text }),
  draft: (room: string, text: string): Promise<void> => client.setDraft(room, text),
  drafts: () => Object.fromEntries(client.drafts),
  focus: (room: string): void => client.focus([room]),
  async texts(room: string): Promise<unknown[]> {
    return (await client.room(room).timeline(50)).messages.map(({ text }) => text);
  },
  /** The texts that are cached, without the network. */
  async cached(room: string): Promise<unknown[]> {
    await client.room(room).open();
    return client.room(room).cached().map(({ text }) => text);
  },
  shown: (room: string): unknown[] => [...client.room(room).messages.values()].map(({ text }) => text),
  /** Make the page visible or hidden, as far as its scripts can tell; what it does after a while, it does at once. */
  show(visible: boolean): void {
    const { setTimeout: later } = globalThis;
    Object.defineProperty(document, "hidden", { value: !visible, configurable: true });
    globalThis.setTimeout = ((act: () => void) => later(act, 0)) as typeof setTimeout;
    document.dispatchEvent(new Event("visibilitychange"));
    globalThis.setTimeout = later;
  },
  background: () => client["_engine"].lifecycle.background,
  phase: () => client.phase,
  waiting: () => client.outbox.length,
  rooms: () => [...client.rooms.keys()],
  count: (kind: string) => kinds[kind] ?? 0,
  close: () => client.close(),
};

declare global {
  var chat: typeof driver;
}
globalThis.chat = driver;
