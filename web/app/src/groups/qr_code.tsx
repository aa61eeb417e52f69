/** A code to scan: dark squares on white, in any theme, since many scanners read no other. */
import { useMemo } from "preact/hooks";
import { codePath } from "./code_path.js";

export function QrCode({ text, label }: { text: string; label: string }) {
  const { path, size } = useMemo(() => codePath(text), [text]);
  return (
    <svg class="code-picture" viewBox={`0 0 ${size} ${size}`} role="img" aria-label={label} shape-rendering="crispEdges">
      <path d={path} />
    </svg>
  );
}
