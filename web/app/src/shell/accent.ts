/** The colour of the installation, moved until it can be read: on white, and on the dark ground. */

type Rgb = readonly [number, number, number];

/** Least contrast of text (WCAG 2.2, 1.4.3). */
const CONTRAST = 4.5;
const WHITE: Rgb = [255, 255, 255];
const DARK: Rgb = [21, 23, 28];
/** How much of the colour the own bubbles have, on white and on the dark ground. */
const BUBBLE = { light: 0.16, dark: 0.3 };

/** Show `colour`, #rrggbb, as the accent of everything below `root`; without one the tokens hold. */
export function applyAccent(root: HTMLElement, colour: string | undefined): void {
  const found = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i.exec(colour?.trim() ?? "");
  if (!found || colour?.toLowerCase() === "#2b5fdb") return;
  const given = found.slice(1).map((part) => parseInt(part, 16)) as unknown as Rgb;
  const set = (name: string, value: Rgb) => root.style.setProperty(name, `rgb(${value.map(Math.round).join(" ")})`);
  const light = towards([0, 0, 0], given, WHITE);
  const dark = towards(WHITE, given, DARK);
  set("--chatd-accent", light);
  set("--chatd-accent-dark", dark);
  set("--chatd-bubble", mix(light, WHITE, BUBBLE.light));
  set("--chatd-bubble-dark", mix(dark, DARK, BUBBLE.dark));
}

/** The colour nearest to `colour`, on the way to `end`, that can be read on `ground`. */
function towards(end: Rgb, colour: Rgb, ground: Rgb): Rgb {
  for (let part = 0; part < 1; part += 0.04) {
    const next = mix(end, colour, part);
    if (contrast(next, ground) >= CONTRAST) return next;
  }
  return end;
}

const mix = (one: Rgb, other: Rgb, part: number): Rgb =>
  one.map((value, index) => value * part + other[index]! * (1 - part)) as unknown as Rgb;

function contrast(one: Rgb, other: Rgb): number {
  const [low, high] = [luminance(one), luminance(other)].sort((first, second) => first - second) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

/** Relative luminance (WCAG 2.2, "relative luminance"). */
function luminance(colour: Rgb): number {
  const [red, green, blue] = colour.map((value) => {
    const part = value / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  }) as unknown as Rgb;
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
