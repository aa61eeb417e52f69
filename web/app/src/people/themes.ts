/** The themes of cards; a name is known to the app, and colours need none. */
import type { Theme } from "./types.js";

/** The themes to choose from, by name; the first colour is the accent. */
export const THEMES: Readonly<Record<string, string[]>> = {
  river: ["#2b6cb0", "#4fa3c7", "#9bd3c9"],
  dusk: ["#5b4b9a", "#a45f97", "#e8a07e"],
  meadow: ["#2f7d5b", "#7fae5a", "#d9d38a"],
  ember: ["#a8432f", "#d9813f", "#f0c36d"],
  rose: ["#a33f6b", "#d4779a", "#f3c1c6"],
  stone: ["#4a5568", "#7c8798", "#c3cad5"],
  plum: ["#6b3f8f", "#8f6cc0", "#c4b0e6"],
  sea: ["#0f6a73", "#3aa0a0", "#a5d8c6"],
};

const COLOUR = /^#[0-9a-f]{6}$/i;

/** The colours of a theme that are ones, else those of its name. */
export function coloursOf({ name = "", colors = [] }: Theme = {}): string[] {
  const found = colors.filter((colour) => COLOUR.test(colour));
  return found.length || !Object.hasOwn(THEMES, name) ? found : THEMES[name]!;
}
