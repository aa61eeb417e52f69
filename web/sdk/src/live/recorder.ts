/** A voice message from the microphone, as pages that can be heard while it is spoken, by the encoder of the browser. */

import type { Recording } from "../media/recorder.js";
import { waveformOf } from "../media/waveform.js";
import { OggWriter } from "./ogg_writer.js";

const BITS_PER_SECOND = 24_000;
const SAMPLES_PER_US = 48_000 / 1e6;

interface TrackProcessor {
  readonly readable: ReadableStream<AudioData>;
}

declare const MediaStreamTrackProcessor: { new (init: { track: MediaStreamTrack }): TrackProcessor };

/** Whether this page can record a note that is heard while it is spoken. */
export const canSpeak = (): boolean => typeof AudioEncoder === "function" && typeof MediaStreamTrackProcessor === "function";

/** One recording, from `start` to `stop` or `cancel`. */
export class LiveRecorder {
  /** The loudness so far, 0 to 1, one value for each part that the microphone gave. */
  readonly levels: number[] = [];
  private readonly _pages: Uint8Array<ArrayBuffer>[] = [];
  private readonly _writer = new OggWriter();
  private readonly _encoder: AudioEncoder;
  private readonly _running: Promise<void>;
  private _us = 0;

  private constructor(
    private readonly _stream: MediaStream, private readonly _onPage: (page: Uint8Array) => void,
    private readonly _onLevel: (recorder: LiveRecorder) => void,
  ) {
    this._encoder = new AudioEncoder({ output: (chunk) => this._take(chunk), error: () => this._release() });
    this._running = this._run(new MediaStreamTrackProcessor({ track: _stream.getAudioTracks()[0]! }).readable.getReader());
  }

  /** Ask for the microphone, and record; `onPage` is given the bytes as they are made, all but the last page. Rejects with a
   * DOMException: NotAllowedError, NotFoundError. */
  static async start(
    onPage: (page: Uint8Array) => void, onLevel: (recorder: LiveRecorder) => void = () => {},
  ): Promise<LiveRecorder> {
    const audio = { channelCount: 1, echoCancellation: true, noiseSuppression: true, autoGainControl: true };
    return new LiveRecorder(await navigator.mediaDevices.getUserMedia({ audio }), onPage, onLevel);
  }

  /** Milliseconds recorded so far. */
  get duration(): number {
    return Math.round(this._us / 1000);
  }

  /** End, and return what was recorded. */
  async stop(): Promise<Recording> {
    this._release();
    await this._running;
    if (this._encoder.state === "configured") await this._encoder.flush();
    this._pages.push(this._writer.end());
    if (this._encoder.state !== "closed") this._encoder.close();
    return { blob: new Blob(this._pages, { type: "audio/ogg" }), duration: this.duration, waveform: waveformOf(this.levels) };
  }

  /** End, and forget what was recorded. */
  cancel(): void {
    this._release();
    if (this._encoder.state !== "closed") this._encoder.close();
  }

  private async _run(reader: ReadableStreamDefaultReader<AudioData>): Promise<void> {
    for (let part = await reader.read(); part.value; part = await reader.read()) {
      const sound = part.value;
      if (this._encoder.state === "unconfigured") {
        const { sampleRate, numberOfChannels } = sound;
        this._encoder.configure({ codec: "opus", sampleRate, numberOfChannels, bitrate: BITS_PER_SECOND });
        this._give(this._writer.begin(numberOfChannels, sampleRate));
      }
      this._measure(sound);
      if (this._encoder.state === "configured") this._encoder.encode(sound);
      sound.close();
    }
  }

  private _measure(sound: AudioData): void {
    const samples = new Float32Array(sound.numberOfFrames);
    sound.copyTo(samples, { planeIndex: 0, format: "f32-planar" });
    this._us += sound.duration;
    const power = samples.reduce((sum, value) => sum + value * value, 0) / samples.length;
    // The ear hears by the logarithm: 50 dB below the loudest is silence.
    this.levels.push(Math.max(0, Math.min(1, 1 + Math.log10(power + 1e-9) / 5)));
    this._onLevel(this);
  }

  private _take(chunk: EncodedAudioChunk): void {
    const packet = new Uint8Array(chunk.byteLength);
    chunk.copyTo(packet);
    const page = this._writer.add(packet, Math.round(chunk.duration! * SAMPLES_PER_US));
    if (page) this._give(page);
  }

  private _give(page: Uint8Array<ArrayBuffer>): void {
    this._pages.push(page);
    this._onPage(page);
  }

  private _release(): void {
    for (const track of this._stream.getTracks()) track.stop();
  }
}
