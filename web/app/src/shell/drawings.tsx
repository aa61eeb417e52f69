/** The states of a screen without content: one line drawing, one sentence, one button. */
import type { ComponentChildren } from "preact";

/** Each drawing is of 120 by 96; the second path is drawn in the accent. */
const DRAWINGS = {
  chats: [
    "M22 20h56a10 10 0 0 1 10 10v24a10 10 0 0 1-10 10H46L32 76V64H22a10 10 0 0 1-10-10V30a10 10 0 0 1 10-10Z",
    "M96 40h4a8 8 0 0 1 8 8v20a8 8 0 0 1-8 8v10L89 76H68M30 36h38M30 48h24",
  ],
  people: [
    "M46 44a14 14 0 1 0 0-28 14 14 0 0 0 0 28ZM18 82v-6a22 22 0 0 1 22-22h12a22 22 0 0 1 22 22v6Z",
    "M78 22a12 12 0 0 1 0 22M84 56a20 20 0 0 1 18 20v6M60 68h-8M56 64v8",
  ],
  search: ["M52 70a28 28 0 1 0 0-56 28 28 0 0 0 0 56ZM73 63l27 23", "M40 42h24M46 52h12M42 32h20"],
  offline: [
    "M34 70a18 18 0 0 1-2-36 26 26 0 0 1 50-4 20 20 0 0 1 6 40Z",
    "M50 44l18 18M68 44 50 62M22 84h12M44 84h32M86 84h12",
  ],
  locked: ["M36 44h48a6 6 0 0 1 6 6v30a6 6 0 0 1-6 6H36a6 6 0 0 1-6-6V50a6 6 0 0 1 6-6ZM42 44V32a18 18 0 0 1 36 0v12", "M60 60v10M57 58a3 3 0 1 1 6 0 3 3 0 0 1-6 0Z"],
  update: ["M28 14h64a6 6 0 0 1 6 6v46a6 6 0 0 1-6 6H28a6 6 0 0 1-6-6V20a6 6 0 0 1 6-6ZM44 84h32M60 72v12", "M48 44a12 12 0 0 1 21-8l4 4M73 32v8h-8M72 44a12 12 0 0 1-21 8l-4-4M47 56v-8h8"],
  broken: ["M26 18h68a6 6 0 0 1 6 6v48a6 6 0 0 1-6 6H26a6 6 0 0 1-6-6V24a6 6 0 0 1 6-6ZM20 32h80", "M46 48l6 6M52 48l-6 6M68 48l6 6M74 48l-6 6M48 68a14 8 0 0 1 24 0"],
} as const;

export type Drawing = keyof typeof DRAWINGS;

export interface EmptyProps {
  drawing: Drawing;
  /** The heading of a state that fills the window. */
  title?: string;
  text: string;
  children?: ComponentChildren;
}

/** A drawing, a sentence and the button that leads on. */
export function Empty({ drawing, title, text, children }: EmptyProps) {
  const [lines, accent] = DRAWINGS[drawing];
  return (
    <div class="empty">
      <svg class="drawing" viewBox="0 0 120 96" aria-hidden="true">
        <path d={lines} />
        <path class="accent" d={accent} />
      </svg>
      {title && <h1>{title}</h1>}
      <p>{text}</p>
      {children}
    </div>
  );
}
