/** What the form of the own card holds, and what of it changed. */
import { computed, signal, type Signal } from "@preact/signals";
import type { Profile } from "@chatd/client";
import type { CardField, Page, Theme } from "./types.js";

/** The parts of the card that the form changes, as `profile.set` names them. */
interface Form {
  name: string;
  handle: string;
  avatar: string;
  cover: string;
  bio: string;
  theme: Theme;
  fields: CardField[];
}

/** A row of the list of fields; the number is its identity while rows come and go. */
export interface FieldRow {
  readonly id: number;
  readonly name: Signal<string>;
  readonly value: Signal<string>;
  /** Who sees it, as in `CardField`; empty: whoever sees the page. */
  readonly to: Signal<string>;
}

let rows = 0;

export class CardModel {
  readonly name: Signal<string>;
  readonly handle: Signal<string>;
  readonly avatar: Signal<string>;
  readonly cover: Signal<string>;
  readonly bio: Signal<string>;
  readonly theme: Signal<Theme>;
  readonly fields: Signal<readonly FieldRow[]>;
  readonly handleProblem = signal("");
  private readonly before: Signal<Form>;

  constructor({ name = "", handle = "", avatar = "", page = {} }: Profile) {
    const { cover = "", bio = "", theme = {}, fields = [] } = page;
    this.before = signal({ name, handle, avatar, cover, bio, theme, fields: fields.map(fieldOf) });
    this.name = signal(name);
    this.handle = signal(handle);
    this.avatar = signal(avatar);
    this.cover = signal(cover);
    this.bio = signal(bio);
    this.theme = signal(theme);
    this.fields = signal(fields.map(rowOf));
  }

  addField(): void {
    this.fields.value = [...this.fields.peek(), rowOf({ name: "", value: "" })];
  }

  removeField(id: number): void {
    this.fields.value = this.fields.peek().filter((row) => row.id !== id);
  }

  private readonly form = computed<Form>(() => ({
    name: this.name.value.trim(),
    handle: this.handle.value.trim().replace(/^@/, "").toLowerCase(),
    avatar: this.avatar.value.trim(),
    cover: this.cover.value.trim(),
    bio: this.bio.value.trim(),
    theme: this.theme.value,
    fields: this.fields.value
      .map(({ name, value, to }) => fieldOf({ name: name.value.trim(), value: value.value.trim(), to: to.value }))
      .filter(({ name, value }) => name && value),
  }));

  /** The card as it will be. */
  readonly profile = computed(() => {
    const { name, handle, avatar } = this.form.value;
    return { name, handle, avatar };
  });

  readonly page = computed<Page>(() => {
    const { cover, bio, theme, fields } = this.form.value;
    return { cover, bio, theme, fields };
  });

  readonly isChanged = computed(() => Object.keys(this.changes()).length > 0);

  /** What differs from what is stored. */
  changes(): Partial<Form> {
    const [now, before] = [this.form.value, this.before.value];
    const keys = Object.keys(now) as (keyof Form)[];
    return Object.fromEntries(
      keys.filter((key) => JSON.stringify(now[key]) !== JSON.stringify(before[key])).map((key) => [key, now[key]]),
    );
  }

  /** The server has this picture: it is sent by itself, not with the form. */
  adoptPicture(which: "avatar" | "cover", address: string): void {
    this[which].value = address;
    this.before.value = { ...this.before.peek(), [which]: address };
  }

  /** The server has what the form holds. */
  saved(): void {
    this.before.value = this.form.peek();
    this.handleProblem.value = "";
  }
}

function rowOf({ name, value, to = "" }: CardField): FieldRow {
  return { id: ++rows, name: signal(name), value: signal(value), to: signal(to) };
}

const fieldOf = ({ name, value, to }: CardField): CardField => ({ name, value, ...(to && { to }) });
