/** Messages with files on their way, as signals; what sends them is loaded with the first. */
import { effect, signal } from "@preact/signals";
import type { Body, Message } from "@chatd/client";
import type { NewFile, Outgoing } from "@chatd/client/media";
import { mediaOffer } from "../shell/contacts.js";
import { me, phase, withFiles } from "../shell/state.js";
import { keep, kept } from "../shell/web_storage.js";
import { localAddress } from "./local_files.js";

/** By the key of the message. */
export const outgoing = signal<ReadonlyMap<string, Outgoing>>(new Map());

const load = () => import("./uploads.js");
const markPlace = (): string => `chatd:${me.peek()}:uploads`;

/** Note whether anything waits, for the next page. */
export const markWaiting = (waits: boolean): void => keep("localStorage", markPlace(), waits ? "1" : null);

/** Send a message with files: what it needs is stored when this resolves. */
export async function postFiles(room: string, body: Body, files: readonly NewFile[]): Promise<void> {
  const { media } = await load();
  markWaiting(true);
  await media().post(room, body, files);
}

/** Do something with a message on its way. */
export async function withOutgoing(deed: "pause" | "resume" | "discard" | "sendAsFiles", key: string): Promise<void> {
  const { media } = await load();
  await media()[deed](key);
}

/** The message that one on its way will be; its files are those of this page. */
export function outgoingMessage({ key, room, body, composed_at, files }: Outgoing, user: string): Message {
  const attachments = files.map((file) => {
    const { mime, name, alt, width, height, duration, waveform, kind, blob } = file;
    return { url: localAddress(file.key), mime, name, kind, size: blob.size, alt, width, height, duration, waveform };
  });
  const numbers = { seq: 0, ordinal: 0, changed: 0, edited: 0, time: composed_at, composed_at };
  const shown = { ...body, attachments } as Body;
  return { room, key, user, body: shown, text: body.text ?? "", recalled: false, pinned: false, reactions: {}, mine: [], ...numbers };
}

effect(() => void (withFiles.value = outgoing.value.size));

// What an earlier page left unsent goes on without a chat being opened, and what another tab sends is shown here, too.
const goOn = (): void => {
  if (mediaOffer.value && kept("localStorage", markPlace())) void load().catch(() => undefined);
};
effect(() => {
  if (phase.value === "ready") goOn();
});
addEventListener("storage", (event) => (event as StorageEvent).key === markPlace() && goOn());
