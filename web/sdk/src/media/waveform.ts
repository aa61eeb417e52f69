/** The loudness of a voice message as 64 digits of base 32 (protocol.md, "Voice notes"); pure. */

export const PEAKS = 64;
const DIGITS = "0123456789abcdefghijklmnopqrstuv";

/** Return the waveform of levels, 0 to 1, that were taken at equal distances: the loudest of each 64th part. */
export function waveformOf(levels: readonly number[]): string {
  const highest = Math.max(...levels, 1e-3);
  let text = "";
  for (let at = 0; at < PEAKS; at++) {
    const from = Math.floor((at * levels.length) / PEAKS);
    const to = Math.max(from + 1, Math.floor(((at + 1) * levels.length) / PEAKS));
    const peak = Math.max(0, ...levels.slice(from, to)) / highest;
    text += DIGITS[Math.min(31, Math.round(peak * 31))];
  }
  return text;
}

/** Return the 64 peaks of a waveform, 0 to 1; a message without one is drawn level. */
export function peaksOf(waveform: string | undefined): number[] {
  const digits = waveform && waveform.length === PEAKS ? [...waveform] : Array<string>(PEAKS).fill("7");
  return digits.map((digit) => Math.max(0, DIGITS.indexOf(digit)) / 31);
}
