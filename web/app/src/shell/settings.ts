/** The settings of this browser: theme, language and more. They belong to the device and are in localStorage. */
import { effect, signal } from "@preact/signals";
import { keep, kept } from "./web_storage.js";
import { bestLanguage, LANGUAGES, setLanguage, type Language } from "../locale/locale.js";

export type Theme = "auto" | "light" | "dark";
export const THEMES: readonly Theme[] = ["auto", "light", "dark"];

export interface Settings {
  theme: Theme;
  /** Empty: that of the browser. */
  language: Language | "";
  /** Whether the count of unread messages stays off the title and the icon. */
  quiet: boolean;
  /** Whether the third pane is shown where there is room for it. */
  details: boolean;
}

const PLACE = "chatd:settings";
const DEFAULTS: Settings = { theme: "auto", language: "", quiet: false, details: true };

export const settings = signal<Settings>({ ...DEFAULTS, ...read() });

/** Change settings; they are kept, and other tabs follow. */
export function change(changed: Partial<Settings>): void {
  settings.value = { ...settings.peek(), ...changed };
  keep("localStorage", PLACE, JSON.stringify(settings.peek()));
}

/** Take these in place of the user's choice: the page around an embedded client decides. */
export function overrideSettings(given: Partial<Settings>): void {
  settings.value = { ...settings.peek(), ...given };
}

/** Show theme and language on `root`, now and whenever they change; resolves when the texts are there. */
export async function startSettings(root: HTMLElement): Promise<void> {
  window.addEventListener("storage", (event) => {
    if (event.key === PLACE) settings.value = { ...DEFAULTS, ...read() };
  });
  effect(() => {
    const { theme } = settings.value;
    if (theme === "auto") delete root.dataset.theme;
    else root.dataset.theme = theme;
  });
  let shown: Promise<void> | undefined;
  effect(() => {
    const chosen = settings.value.language;
    const next = chosen && chosen in LANGUAGES ? chosen : bestLanguage(navigator.languages);
    root.lang = next;
    // Texts that cannot be loaded belong to a version the server no longer has: those that are there hold.
    shown = setLanguage(next).catch(() => undefined);
  });
  await shown;
}

function read(): Partial<Settings> {
  try {
    return JSON.parse(kept("localStorage", PLACE) ?? "{}") as Partial<Settings>;
  } catch {
    return {};
  }
}
