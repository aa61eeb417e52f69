/** A code to scan: dark squares on white, in any theme, since many scanners read no other. */
import encodeQR from "qr";
import { useMemo } from "preact/hooks";

/** Light squares around a code, which scanners need (ISO/IEC 18004). */
const BORDER = 4;

/** Return the path of the dark squares of a text, and the length of an edge with its border. */
export function codePath(text: string): { path: string; size: number } {
  const rows = encodeQR(text, "raw", { ecc: "medium", border: BORDER });
  const runs = rows.flatMap((row, y) => [...row.map(Number).join("").matchAll(/1+/g)].map(({ 0: run, index }) => `M${index} ${y}h${run.length}v1h-${run.length}z`));
  return { path: runs.join(""), size: rows.length };
}

export function QrCode({ text, label }: { text: string; label: string }) {
  const { path, size } = useMemo(() => codePath(text), [text]);
  return (
    <svg class="code-picture" viewBox={`0 0 ${size} ${size}`} role="img" aria-label={label} shape-rendering="crispEdges">
      <path d={path} />
    </svg>
  );
}
