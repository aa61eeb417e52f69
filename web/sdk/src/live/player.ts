/** The sound of a note while it is spoken, by the decoder of the browser (WebCodecs). */

import { OggReader } from "./ogg.js";

const RATE_HZ = 48_000;
/** Seconds that sound waits, so that a page that comes late leaves no hole. */
const AHEAD_S = 0.3;
/** Opus packets have at most 120 ms; the decoder finds out the rest. */
const PACKET_US = 20_000;

/** Whether this page can play what is spoken. */
export const canHear = (): boolean => typeof AudioDecoder === "function" && typeof AudioContext === "function";

/** Plays one note. `levels`: the loudness so far, 0 to 1, one value for each packet. */
export class LivePlayer {
  readonly levels: number[] = [];
  private readonly _context = new AudioContext({ sampleRate: RATE_HZ });
  private _next = 0;
  private _skip = 0;

  /** `onLevel` is called when `levels` has grown. */
  constructor(private readonly _onLevel: () => void = () => {}) {}

  /** Play what comes; resolves when all of it was heard. Rejects with what `bytes` throws, and with what the decoder does. */
  async play(bytes: AsyncIterable<Uint8Array>): Promise<void> {
    let failed: unknown;
    const decoder = new AudioDecoder({ output: (sound) => this._add(sound), error: (error) => (failed = error) });
    const reader = new OggReader();
    let count = 0;
    try {
      for await (const part of bytes) {
        for (const packet of reader.feed(part)) {
          if (failed) throw failed;
          if (count === 0) this._configure(decoder, packet);
          else if (count > 1) {
            decoder.decode(new EncodedAudioChunk({ type: "key", timestamp: (count - 2) * PACKET_US, data: packet }));
          }
          count++;
        }
      }
      if (decoder.state === "configured") await decoder.flush();
      const left = this._next - this._context.currentTime;
      if (left > 0) await new Promise((resolve) => setTimeout(resolve, left * 1000));
    } finally {
      if (decoder.state !== "closed") decoder.close();
      this.stop();
    }
  }

  /** Be silent from now on. */
  stop(): void {
    if (this._context.state !== "closed") void this._context.close();
  }

  private _configure(decoder: AudioDecoder, head: Uint8Array): void {
    this._skip = head[10]! | (head[11]! << 8);
    decoder.configure({ codec: "opus", sampleRate: RATE_HZ, numberOfChannels: head[9]!, description: head });
  }

  private _add(sound: AudioData): void {
    const samples = new Float32Array(sound.numberOfFrames);
    sound.copyTo(samples, { planeIndex: 0, format: "f32-planar" });
    sound.close();
    const heard = samples.subarray(Math.min(this._skip, samples.length));
    this._skip -= samples.length - heard.length;
    if (!heard.length || this._context.state === "closed") return;
    this.levels.push(Math.min(1, heard.reduce((most, value) => Math.max(most, Math.abs(value)), 0)));
    const buffer = this._context.createBuffer(1, heard.length, RATE_HZ);
    buffer.copyToChannel(heard, 0);
    const source = new AudioBufferSourceNode(this._context, { buffer });
    source.connect(this._context.destination);
    const now = this._context.currentTime;
    // The first one, and one after a pause of the network: wait for some more.
    if (this._next < now) this._next = now + AHEAD_S;
    source.start(this._next);
    this._next += heard.length / RATE_HZ;
    this._onLevel();
  }
}
