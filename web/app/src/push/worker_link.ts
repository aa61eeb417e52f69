/** What the pages and the worker of this browser tell each other about notifications. */

import type { PushKind } from "@chatd/client/push";

/** The cache in which pages keep `ForWorker`, at the address `ENTRY`: a worker has no other storage as plain. */
export const CACHE = "chatd-push";
export const ENTRY = "notifications.json";

/** Do `work` alone among the worker and the pages: a browser that is asked which notifications are shown may forget one that it
 * is about to show. */
export const alone = <T>(work: () => Promise<T>): Promise<T> =>
  (navigator.locks?.request(CACHE, work) as Promise<T> | undefined) ?? work();

/** What the worker has to know while no page is open. */
export interface ForWorker {
  readonly language: string;
  /** The language as the browser's region writes it. */
  readonly region: string;
  /** The name of the installation. */
  readonly site: string;
  /** Whether the icon has no number. */
  readonly quiet: boolean;
}

/** What the worker asks of a page, or tells it: `room` is answered at the port with the room that is open. */
export type FromWorker = { push: "room" } | { push: "open"; path: string } | { push: "subscribe" };

/** What a shown notification remembers of itself. */
export interface Remembered {
  readonly kind: PushKind;
  readonly path: string;
  readonly room?: string;
  readonly seq?: number;
}
