/** The icons: lines of 1.75 px in a square of 24, drawn for this client. Those here are of the first load. */
import type { MORE } from "./more_icons.js";

const PATHS = {
  alert: "M12 8v5M12 16.2v.1M10.3 4.4 3 17a2 2 0 0 0 1.7 3h14.6a2 2 0 0 0 1.7-3L13.7 4.4a2 2 0 0 0-3.4 0Z",
  back: "M14.5 5.5 8 12l6.5 6.5",
  badge: "M12 3l2.3 1.9 3-.2.8 2.9 2.5 1.6-1.1 2.8 1.1 2.8-2.5 1.6-.8 2.9-3-.2L12 21l-2.3-1.9-3 .2-.8-2.9-2.5-1.6L4.5 12 3.4 9.2l2.5-1.6.8-2.9 3 .2ZM8.5 12.2l2.4 2.4 4.6-5",
  "bell-off": "M8 5.5A6 6 0 0 1 18 10c0 2.6.5 4.2 1 5.2M15.5 16.5H4S6 15 6 10c0-.5 0-1 .2-1.5M10 20a2.3 2.3 0 0 0 4 0M4 4l16 16",
  chat: "M4 6.5A2.5 2.5 0 0 1 6.5 4h11A2.5 2.5 0 0 1 20 6.5v7a2.5 2.5 0 0 1-2.5 2.5H11l-4.5 4v-4A2.5 2.5 0 0 1 4 13.5Z",
  check: "m5 12.5 4.5 4.5L19 7.5",
  checks: "m2.5 12.5 4 4L15 8M11.5 15.5l1 1L21 8",
  close: "m6.5 6.5 11 11M17.5 6.5l-11 11",
  edit: "M4 20h4L19.5 8.5a2.1 2.1 0 0 0-3-3L5 17v3M14 7.5l3 3",
  forward: "m9.5 5.5 6.5 6.5-6.5 6.5",
  info: "M12 11v5.5M12 7.8v.1M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17Z",
  offline: "M3 9.5a13 13 0 0 1 4-2.6M21 9.5A13 13 0 0 0 12 6M6.5 13a8 8 0 0 1 4.5-2.2M17.5 13a8 8 0 0 0-2-1.4M9.5 16.5a4 4 0 0 1 5 0M12 20v.01M4 4l16 16",
  people: "M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7ZM2.5 20v-1a4.5 4.5 0 0 1 4.5-4.5h4a4.5 4.5 0 0 1 4.5 4.5v1M16 4.2a3.5 3.5 0 0 1 0 6.6M18 14.7a4.5 4.5 0 0 1 3.5 4.3v1",
  person: "M12 11.5a4 4 0 1 0 0-8 4 4 0 0 0 0 8ZM4.5 20.5v-1a5 5 0 0 1 5-5h5a5 5 0 0 1 5 5v1",
  "person-add": "M10 11.5a4 4 0 1 0 0-8 4 4 0 0 0 0 8ZM2.5 20.5v-1a5 5 0 0 1 5-5h5a5 5 0 0 1 5 5v1M19 8v6M16 11h6",
  picture: "M5 4.5h14a1 1 0 0 1 1 1v13a1 1 0 0 1-1 1H5a1 1 0 0 1-1-1v-13a1 1 0 0 1 1-1ZM4.5 16.5l4.5-5 4 4.5 2.5-2.5 4 3.5M15.5 9.5v.01",
  pin: "M12 16v5M7.5 16h9l-1.5-3.5V5.5l1.5-1.5h-9L9 5.5v7Z",
  refresh: "M4.5 12a7.5 7.5 0 0 1 13-5L20 9.5M20 4.5v5h-5M19.5 12a7.5 7.5 0 0 1-13 5L4 14.5M4 19.5v-5h5",
  search: "M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14ZM16 16l4.5 4.5",
  storage: "M4 6.5c0-4 16-4 16 0s-16 4-16 0ZM4 6.5v11c0 4 16 4 16 0v-11M4 12c0 4 16 4 16 0",
} as const;

export type IconName = keyof typeof PATHS | keyof typeof MORE;

const paths: { [name: string]: string } = PATHS;

/** Have the icons of parts that are loaded later. */
export function addIcons(more: typeof MORE): void {
  Object.assign(paths, more);
}

/** Arrows that point the way one reads; they are mirrored in a right-to-left page. */
const FLIPS: ReadonlySet<IconName> = new Set<IconName>(["back", "forward", "reply", "send", "share", "sign-out"]);

/** One icon; it is decoration, and what it stands for is the label of its button. */
export function Icon({ name }: { name: IconName }) {
  return (
    <svg class={FLIPS.has(name) ? "icon flips" : "icon"} viewBox="0 0 24 24" aria-hidden="true">
      <path d={paths[name]} />
    </svg>
  );
}
