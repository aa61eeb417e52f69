/** A voice message while it is spoken: held by a finger, or locked; one a room, which waits when the room is left. */
import { signal } from "@preact/signals";
import { VoiceRecorder, type Recording as Recorded } from "@chatd/client/media";
import { t } from "../locale/locale.js";
import { announce, notify } from "../shell/announcer.js";
import { mediaOffer } from "../shell/contacts.js";
import { client, type RoomState } from "../shell/state.js";
import { recordings } from "./recordings.js";
import { stopPlaying } from "./player.js";

/** Milliseconds below which a press was none: nothing was said. */
const LEAST_MS = 600;

/** Measurements of the loudness, of 50 ms, after which it is told again that somebody speaks. */
const TYPING_TICKS = 60;

/** `held`: it is sent when the finger is lifted; `locked`: by the button; `stopped`: it is as long as it may be, or the room was left. */
export type RecordingState = "asking" | "held" | "locked" | "stopped";

export class Recording {
  readonly state = signal<RecordingState>("asking");
  /** Grows with each measurement. */
  readonly ticks = signal(0);
  /** Pixels of the finger towards the start of the line. */
  readonly slid = signal(0);
  #recorder: VoiceRecorder | undefined;
  #recorded: Promise<Recorded> | undefined;
  #isOver = false;

  constructor(readonly room: RoomState, private readonly send: (recorded: Recorded) => Promise<void>) {}

  get levels(): readonly number[] {
    return this.#recorder?.levels ?? [];
  }

  get duration(): number {
    return this.#recorder?.duration ?? 0;
  }

  /** Ask for the microphone, and begin; `held`: by a finger that is still down. */
  async begin(held: () => boolean): Promise<void> {
    stopPlaying();
    try {
      const recorder = await VoiceRecorder.start(() => this.#measured());
      if (this.#isOver) return recorder.cancel();
      this.#recorder = recorder;
      this.state.value = held() ? "held" : "locked";
      announce(t("media.recording"));
    } catch (error) {
      const { name } = error as DOMException;
      this.#end();
      notify(t(name === "NotAllowedError" ? "media.mic.blocked" : name === "NotFoundError" ? "media.mic.none" : "media.mic.failed"));
    }
  }

  lock(): void {
    if (this.state.peek() === "held") this.state.value = "locked";
    this.slid.value = 0;
  }

  /** Send what was said; too short to be anything, it is dropped. */
  async finish(): Promise<void> {
    // The finger that dropped it is lifted.
    if (this.#isOver) return;
    if (!this.#recorder || this.duration < LEAST_MS) {
      this.cancel();
      notify(t("media.hold"));
      return;
    }
    this.#end();
    await this.send(await this.#stopped());
  }

  cancel(): void {
    if (this.#isOver) return;
    this.#end();
    if (!this.#recorded) this.#recorder?.cancel();
    announce(t("media.recording.dropped"));
  }

  /** Stop, and wait: for the button, or for the room to be opened again. */
  pause(): void {
    if (!this.#recorder || this.#isOver || this.duration < LEAST_MS) return this.cancel();
    void this.#stopped();
    this.state.value = "stopped";
  }

  /** Show the others that somebody speaks (protocol.md, "typing"). */
  #tell(): void {
    void client()
      .call({ type: "typing", room: this.room.id, what: "voice" })
      .catch(() => undefined);
  }

  #stopped(): Promise<Recorded> {
    return (this.#recorded ??= this.#recorder!.stop());
  }

  #measured(): void {
    this.ticks.value += 1;
    if (this.duration >= (mediaOffer.peek()?.voice_ms ?? Infinity) && this.state.peek() !== "stopped") this.pause();
    else if (this.ticks.peek() % TYPING_TICKS === 1) this.#tell();
  }

  #end(): void {
    this.#isOver = true;
    const rest = new Map(recordings.peek());
    rest.delete(this.room.id);
    recordings.value = rest;
  }
}
