/** What the composer offers while something is typed: candidates, of which the arrows choose one. */
import { computed, type ReadonlySignal, signal } from "@preact/signals";

let lists = 0;

export abstract class Suggestions<Item> {
  readonly id = `suggestions-${++lists}`;
  abstract readonly candidates: ReadonlySignal<readonly Item[]>;
  readonly at = signal(0);
  readonly open = computed(() => this.candidates.value.length > 0);
  readonly activeId = computed(() => `${this.id}-${this.at.value}`);

  /** Look what stands before the caret. */
  abstract look(field: HTMLTextAreaElement): void;

  /** Put a candidate in place of what was typed. */
  abstract pick(item: Item, field: HTMLTextAreaElement): void;

  abstract close(): void;

  /** Handle a key; true if it was one for the candidates. */
  onKey(key: string, field: HTMLTextAreaElement): boolean {
    const { length } = this.candidates.peek();
    if (length === 0) return false;
    if (key === "ArrowDown") this.at.value = (this.at.peek() + 1) % length;
    else if (key === "ArrowUp") this.at.value = (this.at.peek() + length - 1) % length;
    else if (key === "Enter" || key === "Tab") this.pick(this.candidates.peek()[this.at.peek()]!, field);
    else if (key === "Escape") this.close();
    else return false;
    return true;
  }
}
