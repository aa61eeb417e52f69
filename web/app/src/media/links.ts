/** Addresses of files of the server, as the parts of a message draw them. */
import type { Attachment } from "@chatd/client";
import { signal, useSignal, effect } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { FileGone, fileOf, Links, type FilePlace } from "@chatd/client/media";
import { client, me, phase } from "../shell/state.js";
import { localFile, localKey } from "./local_files.js";

/** Attempts with a new link when one does not open the file. */
const TRIES = 2;

const current = signal<Links | undefined>(undefined);
effect(() => void (current.value = me.value ? new Links({ call: (packet: never) => client().call(packet) } as never) : undefined));

/** The links of the user of this tab. */
export const links = (): Links => current.peek()!;

/** The place of a file in a message; `size`: the rendition, if there is one. */
export function placeOf(attachment: Attachment, room: string, seq: number, size?: "m" | "s"): FilePlace {
  const there = size && attachment.sizes?.includes(size) ? { size } : {};
  return { room, seq, file: fileOf(attachment.url), ...there };
}

/** The bytes of an attachment that this page has. */
export const localOf = ({ url }: Attachment): string | undefined => localFile(localKey(url) || fileOf(url));

export interface Opened {
  /** Undefined while there is none. */
  readonly url: string | undefined;
  /** `gone`: it is not kept any more; `failed`: it could not be fetched. */
  readonly state: "loading" | "there" | "gone" | "failed";
  /** The link did not open the file: use another, or give up after some. */
  readonly broken: () => void;
  /** Try again. */
  readonly again: () => void;
}

/** The address of a file while the caller is drawn: that of this page, or a link. */
export function useFile(attachment: Attachment, place: FilePlace | undefined): Opened {
  const local = localOf(attachment);
  const tries = useSignal(0);
  const found = useSignal<{ url?: string; state: Opened["state"]; of: string }>({ state: "loading", of: "" });
  const name = place ? `${place.seq} ${place.file} ${place.size ?? ""}` : "";
  const atHand = local ?? (place?.seq ? links().peek(place) : undefined);
  const isReady = phase.value === "ready";
  const turn = tries.value;
  useEffect(() => {
    if (local || !place?.seq || (found.peek().of === name && found.peek().state === "there" && !turn)) return;
    if (!isReady && !links().peek(place)) return;
    links()
      .url(place)
      .then(
        (url) => (found.value = { url, state: "there", of: name }),
        (error) => (found.value = { state: error instanceof FileGone ? "gone" : "failed", of: name }),
      );
  }, [name, turn, isReady, local]);
  useEffect(() => {
    // What failed without a network is tried again when there is one.
    if (isReady && found.peek().state === "failed") (tries.value = 0), again();
  }, [isReady]);
  const { url, state, of } = found.value;
  const again = (): void => {
    if (place) links().drop(place);
    found.value = { state: "loading", of: name };
    tries.value += 1;
  };
  const broken = (): void => {
    if (tries.peek() < TRIES) again();
    else found.value = { state: "failed", of: name };
  };
  if (local) return { url: local, state: "there", broken: () => {}, again };
  if (of === name && state !== "loading") return { url, state, broken, again };
  return { url: atHand, state: atHand ? "there" : "loading", broken, again };
}
