/** `@chatd/client/media`: pictures, video, files and voice messages (protocol.md, "Media"). It takes the `Client` of
 * `@chatd/client/people`, whose `media` says what the server offers.
 *
 * ```ts
 * const media = new Media(client, { token, store: new BrowserMediaStore("u42") });
 * await media.start(); // goes on with what the last page left
 * await media.post(room, { text: "From the ferry" }, [{ blob, kind: "picture", alt: "The ferry" }]);
 * const links = new Links(client);
 * img.src = await links.url({ room, seq: message.seq, file: fileOf(attachment.url), size: "m" });
 * ```
 */

import type { Client } from "./client.js";
import type { FileListReply, StickerListReply } from "./core/packets.js";

export { FileGone, Links, type FilePlace } from "./media/links.js";
export { fileOf, publicUrl, type MediaOffer } from "./media/offer.js";
export {
  FILES_MAX, Media, type MediaOptions, type NewFile, type Outgoing, type OutgoingChange, type OutgoingState,
} from "./media/outgoing.js";
export { NativeMediaStore } from "./media/native_store.js";
export { canRecord, VoiceRecorder, type Recording } from "./media/recorder.js";
export { BrowserMediaStore, MemoryMediaStore, type MediaStore, type OutgoingFile, type OutgoingRecord } from "./media/store.js";
export { thumbHashPixels, thumbHashUrl } from "./media/thumbhash.js";
export { systemTransport, type HttpAnswer, type HttpRequest, type Transport } from "./media/transport.js";
export { UploadRefused, type FileKind, type Purpose } from "./media/tus.js";
export { peaksOf, PEAKS, waveformOf } from "./media/waveform.js";

/** A file of the own account; `size` is what it counts of the quota. */
export type OwnFile = FileListReply["files"][number];

/** Return a page of the own files, the newest first (protocol.md, "file.list"). */
export function ownFiles(client: Client, asked: { more?: string; limit?: number } = {}): Promise<FileListReply> {
  return client.call({ ...asked, type: "file.list" });
}

/** Return a page of the stickers that the host app offers, by name (protocol.md, "sticker.list"). */
export function stickers(client: Client, asked: { more?: string; limit?: number } = {}): Promise<StickerListReply> {
  return client.call({ ...asked, type: "sticker.list" });
}

/** Note that a voice message was heard (protocol.md, "played"). */
export async function played(client: Client, room: string, seq: number): Promise<void> {
  await client.call({ type: "played", room, seq });
}
