/** `@chatd/client/live`: voice messages that are heard while they are spoken (protocol.md, "Live notes").
 *
 * ```ts
 * const notes = new LiveNotes(client, (room) => render(room, notes.inRoom(room)));
 * const player = new LivePlayer();
 * await player.play(listen(note, { url: client.media.url, token, signal }));
 *
 * const upload = new LiveUpload({ url: client.media.url, token, room, key });
 * const recorder = await LiveRecorder.start((page) => upload.add(page));
 * const { blob, waveform } = await recorder.stop();
 * await upload.stop();
 * await media.post(room, {}, [{ key, blob, kind: "voice", waveform }]); // goes on where the upload is
 * ```
 */

import type { Client } from "./client.js";

export { canHear, LivePlayer } from "./live/player.js";
export { listen, type ListenOptions, LiveOver } from "./live/listen.js";
export { OggReader } from "./live/ogg.js";
export { OggWriter } from "./live/ogg_writer.js";
export { canSpeak, LiveRecorder } from "./live/recorder.js";
export { LiveUpload, type LiveUploadOptions } from "./live/upload.js";

/** A note that is spoken: `file` can be heard. */
export interface LiveNote {
  readonly room: string;
  readonly user: string;
  readonly file: string;
}

/** Milliseconds after which a note is over of which nothing more is heard: the server says it again every 5 s. */
const SHOWN_MS = 12_000;

/** The notes that are spoken now, as far as the server tells. */
export class LiveNotes {
  private readonly _notes = new Map<string, { readonly note: LiveNote; readonly timer: ReturnType<typeof setTimeout> }>();
  private readonly _stop: () => void;

  /** `onChange` is called with the room in which a note began or ended, and with how it ended. */
  constructor(client: Pick<Client, "on">, private readonly _onChange: (room: string, note: LiveNote, state: string) => void) {
    this._stop = client.on((change) => {
      if (change.kind === "voice") this._take(change, change.state);
      // The pushes of the end do not come any more.
      else if (change.kind === "stateChanged" && change.phase !== "ready") this._endAll();
    });
  }

  /** Return the notes that are spoken in a room. */
  inRoom(room: string): LiveNote[] {
    return [...this._notes.values()].map(({ note }) => note).filter((note) => note.room === room);
  }

  /** Follow no more. */
  close(): void {
    this._stop();
    this._endAll();
  }

  private _take({ room, user, file }: LiveNote, state: string): void {
    const known = this._notes.get(file);
    clearTimeout(known?.timer);
    this._notes.delete(file);
    const note = { room, user, file };
    if (state === "live") this._notes.set(file, { note, timer: setTimeout(() => this._take(note, "cut"), SHOWN_MS) });
    if (!known === (state === "live")) this._onChange(room, note, state);
  }

  private _endAll(): void {
    for (const { note } of [...this._notes.values()]) this._take(note, "cut");
  }
}
