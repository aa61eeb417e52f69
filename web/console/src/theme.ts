/** The theme: light, dark, or as the system is; kept in this browser. */
import { computed, signal } from "@preact/signals";

export type Choice = "auto" | "light" | "dark";

const KEY = "chatd.console.theme";
const system = matchMedia("(prefers-color-scheme: dark)");
const isDark = signal(system.matches);
system.addEventListener("change", () => (isDark.value = system.matches));

export const choice = signal<Choice>(stored());

/** The theme that is shown. */
export const theme = computed(() => (choice.value === "auto" ? (isDark.value ? "dark" : "light") : choice.value));

/** Choose a theme; the next visit has it, too. */
export function choose(next: Choice): void {
  choice.value = next;
  apply();
  try {
    localStorage.setItem(KEY, next);
  } catch {
    // a browser that keeps nothing shows it until the page is left
  }
}

/** Put the chosen theme in force. */
export function apply(): void {
  if (choice.value === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = choice.value;
}

function stored(): Choice {
  try {
    const found = localStorage.getItem(KEY);
    return found === "light" || found === "dark" ? found : "auto";
  } catch {
    return "auto";
  }
}
