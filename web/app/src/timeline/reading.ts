/** The messages that somebody has read: those whose end was in view for half a second, however they scrolled; pure. */

/** Milliseconds that the end of a message must be in view. */
export const SEEN_MS = 500;

export class Reading {
  /** The time since when the end of each message is in view. */
  #since = new Map<number, number>();

  constructor(
    /** The highest message that was read. */
    public read: number,
  ) {}

  /** Note the messages whose end is in view at `now` (ms); return whether `read` moved. */
  seen(seqs: readonly number[], now: number): boolean {
    this.#since = new Map(seqs.map((seq) => [seq, this.#since.get(seq) ?? now]));
    const before = this.read;
    for (const [seq, since] of this.#since) {
      if (now - since >= SEEN_MS) this.read = Math.max(this.read, seq);
    }
    return this.read > before;
  }

  /** Return the milliseconds until one of them will be read, or undefined. */
  due(now: number): number | undefined {
    const waiting = [...this.#since].filter(([seq]) => seq > this.read).map(([, since]) => since + SEEN_MS - now);
    return waiting.length > 0 ? Math.max(0, Math.min(...waiting)) : undefined;
  }
}
