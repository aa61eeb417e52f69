/** How several clients with one storage work as one: the part that the core knows. `browser(user)` brings the other. */

import type { Change } from "./core/changes.js";
import { ChatError, Closed, OutboxFull, Unreachable } from "./core/errors.js";
import type { ErrorReply } from "./core/packets.js";
import type { Row } from "./core/records.js";

/** What one client did: rows that are committed, and the changes that belong to them. Survives a structured clone. */
export interface News {
  /** Whether it was told as the leader. */
  readonly leads?: boolean;
  readonly rows: readonly Row[];
  readonly changes: readonly Change[];
}

/** A command for the leader (commands.ts); may arrive twice, when its first answer was lost. */
export interface Ask {
  readonly name: string;
  readonly args: readonly unknown[];
}

export type Answer = { readonly value: unknown } | { readonly error: PlainError };

/** One client, as `Tabs` sees it. */
export interface Tab {
  /** Load everything again and run the engine; resolves once commands can be carried out. */
  lead(): Promise<void>;
  /** Stop the engine, if it runs, and load everything again; also after news were missed. */
  follow(): Promise<void>;
  /** Take the news of another tab, in the order they were told; `isFromLeader`: it leads, as far as is known. */
  take(news: News, isFromLeader?: boolean): void | Promise<void>;
  /** Carry out a command as the leader; never rejects. */
  perform(ask: Ask): Promise<Answer>;
  /** Forget what a tab that is gone had on its screen. */
  left(tab: string): void;
}

/** Decides which of several clients with one storage leads, and carries news and commands between them. */
export interface Tabs {
  /** The name of this tab among the others. */
  readonly id: string;
  /** Begin; calls `lead` or `follow` of `tab` before it resolves, and again whenever that changes. */
  start(tab: Tab): Promise<void>;
  /** Tell the other tabs. */
  publish(news: News): void;
  /** Have the leader carry out a command, whoever leads by the time it is answered. */
  ask(ask: Ask): Promise<Answer>;
  /** Give up the lead, if this tab has it, and listen no more. */
  stop(): Promise<void>;
}

/** What is left of an error on its way to another tab. */
export type PlainError = { packet: ErrorReply } | { closed: [number, string] } | { name: string; message: string };

/** Return an error as data that a structured clone keeps. */
export function plainError(error: unknown): PlainError {
  if (error instanceof ChatError) return { packet: error.packet };
  if (error instanceof Closed) return { closed: [error.code, error.reason] };
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  return { name, message };
}

/** Return the error that `plainError` was given. */
export function errorFromPlain(plain: PlainError): Error {
  if ("packet" in plain) return new ChatError(plain.packet);
  if ("closed" in plain) return new Closed(...plain.closed);
  const kinds: Record<string, new (message: string) => Error> = { Unreachable, OutboxFull, TypeError, RangeError };
  return new (kinds[plain.name] ?? Error)(plain.message);
}
