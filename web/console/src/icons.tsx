/** The icons: lines of 1.75 px in a square of 24, as in the web client. */

const PATHS = {
  add: "M12 5v14M5 12h14",
  alert: "M12 8v5M12 16.2v.1M10.3 4.4 3 17a2 2 0 0 0 1.7 3h14.6a2 2 0 0 0 1.7-3L13.7 4.4a2 2 0 0 0-3.4 0Z",
  audit: "M7 3.5h7l4 4V20a.5.5 0 0 1-.5.5h-10A1.5 1.5 0 0 1 6 19V4.5a1 1 0 0 1 1-1ZM14 3.5V8h4M9 12.5h6M9 16h4",
  back: "m10.5 6-6 6 6 6M5 12h15",
  check: "m5 12.5 4.5 4.5L19 7.5",
  close: "m6.5 6.5 11 11M17.5 6.5l-11 11",
  copy: "M9 9h9.5a1 1 0 0 1 1 1v9.5a1 1 0 0 1-1 1H9a1 1 0 0 1-1-1V10a1 1 0 0 1 1-1ZM5.5 15H4.5a1 1 0 0 1-1-1V4.5a1 1 0 0 1 1-1H14a1 1 0 0 1 1 1v1",
  delivery: "M4 12 20 4.5l-4.5 16-4-6.5L4 12ZM11.5 14 20 4.5",
  down: "M12 5v14M5.5 12.5 12 19l6.5-6.5",
  filters: "M4 5.5h16l-6.2 7.4v5.4l-3.6 1.7v-7.1Z",
  info: "M12 11v5.5M12 7.8v.1M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17Z",
  keys: "M8.5 19.5a4 4 0 1 0 0-8 4 4 0 0 0 0 8ZM11.4 12.6 19.5 4.5M16 8l3 3M13.5 10.5l2 2",
  log: "M4 6h2M9.5 6H20M4 12h2M9.5 12H20M4 18h2M9.5 18H16",
  more: "M5.5 12.8a.8.8 0 1 0 0-1.6.8.8 0 0 0 0 1.6ZM12 12.8a.8.8 0 1 0 0-1.6.8.8 0 0 0 0 1.6ZM18.5 12.8a.8.8 0 1 0 0-1.6.8.8 0 0 0 0 1.6Z",
  moon: "M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5Z",
  now: "M3 12h4l2.5-7 5 14L17 12h4",
  pause: "M8.5 5.5v13M15.5 5.5v13",
  people: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8ZM4.5 20.5v-.5a5 5 0 0 1 5-5h5a5 5 0 0 1 5 5v.5",
  play: "M8 5.5v13l10.5-6.5Z",
  reports: "M5.5 21V4.5M5.5 5c4-2.5 7 2 13 0v9c-6 2-9-2.5-13 0",
  rooms: "M5 4.5h14a1 1 0 0 1 1 1v10a1 1 0 0 1-1 1h-7l-4.5 4v-4H5a1 1 0 0 1-1-1v-10a1 1 0 0 1 1-1ZM8 8.8h8M8 12.2h5",
  search: "M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14ZM16 16l4.5 4.5",
  sessions:
    "M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7ZM2.5 20v-1a4.5 4.5 0 0 1 4.5-4.5h4a4.5 4.5 0 0 1 4.5 4.5v1M16 4.2a3.5 3.5 0 0 1 0 6.6M18 14.7a4.5 4.5 0 0 1 3.5 4.3v1",
  settings:
    "M4 7h9M17 7h3M4 17h3M11 17h9M15 9.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5ZM9 19.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5Z",
  "sign-out": "M14 4.5H6.5a1 1 0 0 0-1 1v13a1 1 0 0 0 1 1H14M10.5 12H21M17 8l4 4-4 4",
  slow: "M7 3.5h10M7 20.5h10M8 3.5v3.8c0 2.4 4 3.2 4 4.7s-4 2.3-4 4.7v3.8M16 3.5v3.8c0 2.4-4 3.2-4 4.7s4 2.3 4 4.7v3.8",
  storage: "M4 6.5c0-4 16-4 16 0s-16 4-16 0ZM4 6.5v11c0 4 16 4 16 0v-11M4 12c0 4 16 4 16 0",
  sun: "M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8ZM12 2.5v2M12 19.5v2M2.5 12h2M19.5 12h2M5.3 5.3l1.4 1.4M17.3 17.3l1.4 1.4M5.3 18.7l1.4-1.4M17.3 6.7l1.4-1.4",
} as const;

export type IconName = keyof typeof PATHS;

/** An icon beside a text; it says nothing by itself. */
export function Icon({ name, size = 20 }: { name: IconName; size?: number }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" width={size} height={size} aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
