/** The operations of a room that were applied last, for pages that are older than them; pure. */

import type { Event } from "./packets.js";

/** Applied operations remembered: seconds of a busy room, longer than a page is ever late. */
const RECENT_MAX = 256;

/** The last operations applied; complete for every number above `since`. */
export class Recent {
  private readonly _operations: Event[] = [];

  constructor(public since: number) {}

  add(operation: Event): void {
    this._operations.push(operation);
    if (this._operations.length > RECENT_MAX) this.since = this._operations.shift()!.seq;
  }

  /** Return the operations above `seq`, ascending. */
  after(seq: number): Event[] {
    return this._operations.filter((operation) => operation.seq > seq);
  }
}
