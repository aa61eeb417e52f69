/** The icons: lines of 1.75 px in a square of 24, drawn for this client. */

const PATHS = {
  alert: "M12 8v5M12 16.2v.1M10.3 4.4 3 17a2 2 0 0 0 1.7 3h14.6a2 2 0 0 0 1.7-3L13.7 4.4a2 2 0 0 0-3.4 0Z",
  attach: "M19.5 11.5 12 19a5 5 0 0 1-7-7l8-8a3.3 3.3 0 0 1 4.7 4.7l-7.9 7.9a1.6 1.6 0 0 1-2.3-2.3l7-7",
  back: "M14.5 5.5 8 12l6.5 6.5",
  bell: "M6 10a6 6 0 0 1 12 0c0 5 2 6.5 2 6.5H4S6 15 6 10ZM10 20a2.3 2.3 0 0 0 4 0",
  "bell-off": "M8 5.5A6 6 0 0 1 18 10c0 2.6.5 4.2 1 5.2M15.5 16.5H4S6 15 6 10c0-.5 0-1 .2-1.5M10 20a2.3 2.3 0 0 0 4 0M4 4l16 16",
  chat: "M4 6.5A2.5 2.5 0 0 1 6.5 4h11A2.5 2.5 0 0 1 20 6.5v7a2.5 2.5 0 0 1-2.5 2.5H11l-4.5 4v-4A2.5 2.5 0 0 1 4 13.5Z",
  check: "m5 12.5 4.5 4.5L19 7.5",
  checks: "m2.5 12.5 4 4L15 8M11.5 15.5l1 1L21 8",
  clock: "M12 7.5V12l3 2M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17Z",
  close: "m6.5 6.5 11 11M17.5 6.5l-11 11",
  copy: "M9 9h9.5a1 1 0 0 1 1 1v9.5a1 1 0 0 1-1 1H9a1 1 0 0 1-1-1V10a1 1 0 0 1 1-1ZM5.5 15H4.5a1 1 0 0 1-1-1V4.5a1 1 0 0 1 1-1H14a1 1 0 0 1 1 1v1",
  down: "M12 5v14M5.5 12.5 12 19l6.5-6.5",
  edit: "M4 20h4L19.5 8.5a2.1 2.1 0 0 0-3-3L5 17v3M14 7.5l3 3",
  eye: "M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12ZM12 15a3 3 0 1 0 0-6 3 3 0 0 0 0 6Z",
  "eye-off": "M9.5 5.9A9 9 0 0 1 12 5.5c6 0 9.5 6.5 9.5 6.5a16 16 0 0 1-2.7 3.5M6.5 7.2A15.5 15.5 0 0 0 2.5 12S6 18.5 12 18.5a9 9 0 0 0 5-1.6M10 10a3 3 0 0 0 4 4M4 4l16 16",
  forward: "m9.5 5.5 6.5 6.5-6.5 6.5",
  globe: "M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17ZM3.5 12h17M12 3.5c5 5 5 12 0 17-5-5-5-12 0-17Z",
  info: "M12 11v5.5M12 7.8v.1M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17Z",
  moon: "M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5Z",
  more: "M12 5.5v.01M12 12v.01M12 18.5v.01",
  offline: "M3 9.5a13 13 0 0 1 4-2.6M21 9.5A13 13 0 0 0 12 6M6.5 13a8 8 0 0 1 4.5-2.2M17.5 13a8 8 0 0 0-2-1.4M9.5 16.5a4 4 0 0 1 5 0M12 20v.01M4 4l16 16",
  people: "M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7ZM2.5 20v-1a4.5 4.5 0 0 1 4.5-4.5h4a4.5 4.5 0 0 1 4.5 4.5v1M16 4.2a3.5 3.5 0 0 1 0 6.6M18 14.7a4.5 4.5 0 0 1 3.5 4.3v1",
  person: "M12 11.5a4 4 0 1 0 0-8 4 4 0 0 0 0 8ZM4.5 20.5v-1a5 5 0 0 1 5-5h5a5 5 0 0 1 5 5v1",
  "person-add": "M10 11.5a4 4 0 1 0 0-8 4 4 0 0 0 0 8ZM2.5 20.5v-1a5 5 0 0 1 5-5h5a5 5 0 0 1 5 5v1M19 8v6M16 11h6",
  pin: "M12 16v5M7.5 16h9l-1.5-3.5V5.5l1.5-1.5h-9L9 5.5v7Z",
  plus: "M12 5v14M5 12h14",
  refresh: "M4.5 12a7.5 7.5 0 0 1 13-5L20 9.5M20 4.5v5h-5M19.5 12a7.5 7.5 0 0 1-13 5L4 14.5M4 19.5v-5h5",
  reply: "M9.5 6 4 11.5 9.5 17M4.5 11.5H14a6 6 0 0 1 6 6v1",
  search: "M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14ZM16 16l4.5 4.5",
  send: "M5 12h14M12.5 5.5 19 12l-6.5 6.5",
  settings: "M4 7h9M17 7h3M4 17h3M11 17h9M15 9.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5ZM9 19.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5Z",
  "sign-out": "M14 4.5H6.5a1 1 0 0 0-1 1v13a1 1 0 0 0 1 1H14M10.5 12H21M17 8l4 4-4 4",
  smile: "M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17ZM8.5 14a4 4 0 0 0 7 0M9 9.5v.01M15 9.5v.01",
  storage: "M4 6.5c0-4 16-4 16 0s-16 4-16 0ZM4 6.5v11c0 4 16 4 16 0v-11M4 12c0 4 16 4 16 0",
  sun: "M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8ZM12 2.5v2M12 19.5v2M2.5 12h2M19.5 12h2M5.3 5.3l1.4 1.4M17.3 17.3l1.4 1.4M5.3 18.7l1.4-1.4M17.3 6.7l1.4-1.4",
  trash: "M4 6.5h16M9 6.5v-2a1 1 0 0 1 1-1h4a1 1 0 0 1 1 1v2M6 6.5l1 13a1 1 0 0 0 1 1h8a1 1 0 0 0 1-1l1-13M10 11v5.5M14 11v5.5",
} as const;

export type IconName = keyof typeof PATHS;

/** Arrows that point the way one reads; they are mirrored in a right-to-left page. */
const FLIPS: ReadonlySet<IconName> = new Set<IconName>(["back", "forward", "reply", "send", "sign-out"]);

/** One icon; it is decoration, and what it stands for is the label of its button. */
export function Icon({ name }: { name: IconName }) {
  return (
    <svg class={FLIPS.has(name) ? "icon flips" : "icon"} viewBox="0 0 24 24" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
