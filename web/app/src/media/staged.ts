/** Files that were chosen and not sent yet, beside the text of a chat. */
import type { NewFile } from "@chatd/client/media";

export interface Staged {
  readonly id: number;
  readonly blob: Blob;
  readonly name: string;
  readonly mime: string;
  readonly kind: "picture" | "video" | "voice" | "file";
  /** Of a picture or a video, to be shown. */
  readonly address: string;
  /** Whether this browser cannot show the picture. */
  readonly isBlind?: boolean;
  readonly alt: string;
  readonly width?: number;
  readonly height?: number;
  readonly duration?: number;
  readonly waveform?: string;
}

/** Return the file to be sent; `asIs`: with all that is in it, not as a picture or a video. */
export function fileToSend({ blob, name, mime, kind, alt, width, height, duration, waveform }: Staged, asIs: boolean): NewFile {
  const sizes = { ...(width && { width }), ...(height && { height }), ...(duration && { duration }) };
  const type = blob.type === mime ? blob : new Blob([blob], { type: mime });
  const shown = asIs && kind !== "voice" ? "file" : kind;
  return { blob: type, name: kind === "voice" ? "" : name, mime, kind: shown, ...sizes, ...(alt && { alt }), ...(waveform && { waveform }) };
}
