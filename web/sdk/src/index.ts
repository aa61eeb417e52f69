/** `@chatd/client`: the TypeScript client of chatd.
 *
 * It mirrors chatd/client, the reference implementation, file by file; core/ is pure, the other files are the shell of
 * sockets, timers and storage around it. Private members begin with an underscore, so that a build can shorten them.
 */

export { Client, type ClientOptions } from "./client.js";
export type * from "./core/changes.js";
export type { Contact } from "./core/contacts.js";
export type { Codec } from "./core/codec.js";
export { normalEmoji } from "./core/emoji.js";
export * from "./core/errors.js";
export { eventFrom, messageFrom, type Message } from "./core/messages.js";
export type { Entry } from "./core/outbox.js";
export type * from "./core/packets.js";
export type { Key, Row, Table, Tables } from "./core/records.js";
export type { MemberReceipt } from "./core/replica.js";
export type { Phase } from "./core/states.js";
export type { Summary } from "./core/summary.js";
export type { Page } from "./core/messages.js";
export type { Timing } from "./core/timing.js";
export type { Presence } from "./core/account.js";
export { SystemEnv, type Env, type Socket, type SocketClass, type Timer } from "./env.js";
export { Room, type Member, type Readers, type SendOptions } from "./rooms.js";
export type { Receipt } from "./sender.js";
export type { Settings } from "./settings.js";
export { MemoryStorage, type Storage } from "./storage.js";
export type { GetToken } from "./tokens.js";
