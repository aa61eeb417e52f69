/** One search: what is looked for, and what was found. */
import { batch, signal } from "@preact/signals";
import { search, TEXT_MAX, type Found, type Hit, type Search } from "@chatd/client/search";
import { errorText } from "../shell/errors.js";
import { client, me } from "../shell/state.js";

/** Milliseconds after the last key until it is searched. */
const PAUSE_MS = 400;
const DAY = 86_400_000;
/** Days of the periods by name. */
const PERIODS = { day: 1, week: 7, month: 30, year: 365 } as const;

export type Period = "" | keyof typeof PERIODS | "days";

export class SearchModel {
  readonly user = me.peek();
  readonly text = signal("");
  readonly from = signal("");
  readonly has = signal("");
  readonly period = signal<Period>("");
  /** The first and the last day of the period `days`, as "2027-03-01". */
  readonly first = signal("");
  readonly last = signal("");
  readonly hits = signal<readonly Hit[]>([]);
  /** What the last page said; undefined before the first. */
  readonly page = signal<Found | undefined>(undefined);
  readonly problem = signal("");
  /** What was searched for, which the hits are marked with. */
  readonly searched = signal("");
  #timer = 0;
  #run = 0;

  constructor(readonly room: string) {}

  /** Search when no more is typed. */
  soon(): void {
    clearTimeout(this.#timer);
    this.#timer = Number(setTimeout(() => void this.go(), PAUSE_MS));
  }

  /** Search now; with `further`, what was not looked at yet. */
  async go(further = false): Promise<void> {
    clearTimeout(this.#timer);
    const run = ++this.#run;
    const wish = this.#wish();
    if (!wish) return batch(() => this.#take(undefined, []));
    const more = further ? this.page.peek()?.more : undefined;
    try {
      const page = await search(client(), { ...wish, ...(more && { more }) });
      if (run === this.#run) batch(() => this.#take(page, [...(more ? this.hits.peek() : []), ...page.hits]));
    } catch (error) {
      if (run !== this.#run) return;
      // A text without a word, as "!?", is found nowhere.
      const isEmpty = (error as { code?: unknown }).code === "bad_request";
      batch(() => (isEmpty ? this.#take({ hits: [] }, []) : (this.problem.value = errorText(error))));
    }
  }

  #take(page: Found | undefined, hits: readonly Hit[]): void {
    this.page.value = page;
    this.hits.value = hits;
    this.problem.value = "";
    this.searched.value = this.text.peek();
  }

  #wish(): Search | undefined {
    const text = [...this.text.peek().trim()].slice(0, TEXT_MAX).join("");
    const [from, has] = [this.from.peek(), this.has.peek()];
    if (!text && !from && !has) return undefined;
    return { ...(this.room && { room: this.room }), ...(text && { text }), ...(from && { from }), ...(has && { has: [has] }), ...this.#times() };
  }

  #times(): Pick<Search, "since" | "until"> {
    const period = this.period.peek();
    if (!period) return {};
    if (period !== "days") return { since: Date.now() - PERIODS[period] * DAY };
    const [first, last] = [this.first.peek(), this.last.peek()].map((day) => (day ? new Date(`${day}T00:00`).getTime() : 0));
    return { ...(first && { since: first }), ...(last && { until: new Date(last).setHours(24, 0, 0, -1) }) };
  }
}

let latest: SearchModel | undefined;

/** Return the search in a room as it was left, or a new one with a text. */
export function searchIn(room: string, text: string): SearchModel {
  const kept = latest?.room === room && latest.user === me.peek() && (!text || latest.text.peek() === text) ? latest : undefined;
  latest = kept ?? new SearchModel(room);
  if (text) latest.text.value = text;
  return latest;
}
