/** A picture of the user behind a chat: nobody else may fetch it, so that it comes with a token, and not by its address. */
import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { fileOf } from "@chatd/client/media";
import { mediaOffer } from "../shell/contacts.js";
import { phase } from "../shell/state.js";
import { localFile, keepLocal } from "./local_files.js";

/** Grows when a picture came. */
const came = signal(0);
const asked = new Set<string>();

/** Return the style of what lies before an own picture; undefined while there is none. */
export function useOwnWallpaper(wallpaper = ""): Record<string, string> | undefined {
  const file = fileOf(wallpaper);
  const ready = phase.value === "ready" && mediaOffer.value !== undefined;
  came.value;
  useEffect(() => {
    if (file && ready && !localFile(file)) void fetchOwn(file);
  }, [file, ready]);
  const address = file && localFile(file);
  return address ? { "--own-wallpaper": `url("${address}")` } : undefined;
}

async function fetchOwn(file: string): Promise<void> {
  if (asked.has(file)) return;
  asked.add(file);
  try {
    const { media } = await import("./uploads.js");
    showOwn(file, await media().own(file));
  } catch {
    // The chat is plain until it is opened the next time.
    asked.delete(file);
  }
}

/** Show a picture that this page has. */
export function showOwn(file: string, blob: Blob): void {
  keepLocal({ key: file, blob });
  came.value += 1;
}
