/** A code to scan as a path of dark squares. */
import encodeQR from "qr";

/** Light squares around a code, which scanners need (ISO/IEC 18004). */
const BORDER = 4;

/** Return the path of the dark squares of a text, and the length of an edge with its border. */
export function codePath(text: string): { path: string; size: number } {
  const rows = encodeQR(text, "raw", { ecc: "medium", border: BORDER });
  const runs = rows.flatMap((row, y) => {
    const found = [...row.map(Number).join("").matchAll(/1+/g)];
    return found.map(({ 0: run, index }) => `M${index} ${y}h${run.length}v1h-${run.length}z`);
  });
  return { path: runs.join(""), size: rows.length };
}
