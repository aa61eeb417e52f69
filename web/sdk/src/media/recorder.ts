/** A voice message from the microphone of a browser. */

import { waveformOf } from "./waveform.js";

/** The forms in which browsers record, the first that one knows: AAC plays everywhere, and Opus is small. */
const TYPES = ["audio/mp4;codecs=mp4a.40.2", "audio/ogg;codecs=opus", "audio/webm;codecs=opus"];
const BITS_PER_SECOND = 32_000;
/** Milliseconds between two measurements of the loudness. */
const LEVEL_MS = 50;
/** Milliseconds between two parts, so that little is lost when the browser ends the recording. */
const PART_MS = 1000;

/** What was recorded. `duration` in milliseconds. */
export interface Recording {
  readonly blob: Blob;
  readonly duration: number;
  readonly waveform: string;
}

/** Whether this page can record: it needs https, or the own machine. */
export function canRecord(): boolean {
  return Boolean(globalThis.navigator?.mediaDevices) && typeof MediaRecorder === "function" && typeOf() !== undefined;
}

const typeOf = (): string | undefined => TYPES.find((type) => MediaRecorder.isTypeSupported(type));

/** One recording, from `start` to `stop` or `cancel`. */
export class VoiceRecorder {
  /** The loudness so far, 0 to 1, each 50 ms. */
  readonly levels: number[] = [];
  private readonly _parts: Blob[] = [];
  private readonly _began = performance.now();
  private _ended = 0;
  private readonly _timer: ReturnType<typeof setInterval>;
  private readonly _context = new AudioContext();
  private readonly _recorder: MediaRecorder;

  private constructor(private readonly _stream: MediaStream, onLevel: (recorder: VoiceRecorder) => void) {
    const analyser = this._context.createAnalyser();
    analyser.fftSize = 1024;
    this._context.createMediaStreamSource(_stream).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    this._recorder = new MediaRecorder(_stream, { mimeType: typeOf()!, audioBitsPerSecond: BITS_PER_SECOND });
    this._recorder.ondataavailable = ({ data }) => void this._parts.push(data);
    this._recorder.start(PART_MS);
    this._timer = setInterval(() => {
      analyser.getFloatTimeDomainData(samples);
      const power = samples.reduce((sum, value) => sum + value * value, 0) / samples.length;
      // The ear hears by the logarithm: 50 dB below the loudest is silence.
      this.levels.push(Math.max(0, Math.min(1, 1 + Math.log10(power + 1e-9) / 5)));
      onLevel(this);
    }, LEVEL_MS);
  }

  /** Ask for the microphone, and record; `onLevel` is called at each measurement. Rejects with a DOMException:
   * NotAllowedError, NotFoundError. */
  static async start(onLevel: (recorder: VoiceRecorder) => void): Promise<VoiceRecorder> {
    const audio = { channelCount: 1, echoCancellation: true, noiseSuppression: true, autoGainControl: true };
    return new VoiceRecorder(await navigator.mediaDevices.getUserMedia({ audio }), onLevel);
  }

  /** Milliseconds recorded so far. */
  get duration(): number {
    return Math.round((this._ended || performance.now()) - this._began);
  }

  /** End, and return what was recorded. */
  async stop(): Promise<Recording> {
    this._ended = performance.now();
    const stopped = new Promise((resolve) => this._recorder.addEventListener("stop", resolve, { once: true }));
    if (this._recorder.state !== "inactive") {
      this._recorder.stop();
      await stopped;
    }
    this._release();
    const [type = ""] = this._recorder.mimeType.split(";");
    return { blob: new Blob(this._parts, { type }), duration: this.duration, waveform: waveformOf(this.levels) };
  }

  /** End, and forget what was recorded. */
  cancel(): void {
    this._ended = performance.now();
    if (this._recorder.state !== "inactive") this._recorder.stop();
    this._release();
  }

  private _release(): void {
    clearInterval(this._timer);
    for (const track of this._stream.getTracks()) track.stop();
    void this._context.close();
  }
}
