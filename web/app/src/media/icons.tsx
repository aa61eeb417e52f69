/** The icons of media, drawn like those of the shell (shell/icons.tsx), which has only those of the first load. */

const PATHS = {
  crop: "M7 3v13a1 1 0 0 0 1 1h13M3 7h13a1 1 0 0 1 1 1v13",
  download: "M12 4v11M6.5 10 12 15.5 17.5 10M4.5 19.5h15",
  file: "M13.5 3.5H7a1.5 1.5 0 0 0-1.5 1.5v14A1.5 1.5 0 0 0 7 20.5h10a1.5 1.5 0 0 0 1.5-1.5V8.5ZM13.5 3.5v5h5",
  mic: "M12 14.5a3 3 0 0 0 3-3v-5a3 3 0 0 0-6 0v5a3 3 0 0 0 3 3ZM5.5 11.5a6.5 6.5 0 0 0 13 0M12 18v3",
  pause: "M9 6v12M15 6v12",
  play: "M8 5.2v13.6a.6.6 0 0 0 .9.5l11-6.8a.6.6 0 0 0 0-1l-11-6.8a.6.6 0 0 0-.9.5Z",
  up: "M12 19V5M5.5 11.5 12 5l6.5 6.5",
  video: "M4.5 6h9A1.5 1.5 0 0 1 15 7.5v9a1.5 1.5 0 0 1-1.5 1.5h-9A1.5 1.5 0 0 1 3 16.5v-9A1.5 1.5 0 0 1 4.5 6ZM15 10.5l6-3.5v10l-6-3.5",
  zoom: "M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14ZM16 16l4.5 4.5M8 11h6M11 8v6",
} as const;

export type MediaIconName = keyof typeof PATHS;

/** Filled ones: they are the only thing on a button. */
const SOLID: ReadonlySet<MediaIconName> = new Set<MediaIconName>(["play"]);

/** One icon; it is decoration, and what it stands for is the label of its button. */
export function MediaIcon({ name }: { name: MediaIconName }) {
  return (
    <svg class={SOLID.has(name) ? "icon solid" : name === "pause" ? "icon heavy" : "icon"} viewBox="0 0 24 24" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
