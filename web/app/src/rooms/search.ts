/** The search by name over the list of chats. */
import { computed, signal } from "@preact/signals";
import { go } from "../shell/router.js";
import { allRooms, roomList, type RoomState } from "../shell/state.js";
import { titleOf } from "./names.js";

/** What is typed into the search field. */
export const query = signal("");

const folded = new Map<string, string>();

/** A text as the search compares it: without case, accents and the width of its letters. */
export function fold(text: string): string {
  let found = folded.get(text);
  if (found === undefined) folded.set(text, (found = text.normalize("NFKD").replace(/\p{M}/gu, "").toLocaleLowerCase()));
  return found;
}

/** Whether each word of the search begins somewhere in one of the texts. */
export function matches(search: string, ...texts: string[]): boolean {
  const words = fold(search).split(/\s+/).filter(Boolean);
  return words.every((word) => texts.some((text) => fold(text).includes(word)));
}

/** The rooms of the list, or those that fit the search, those of other folders and hidden ones behind the others. */
export const foundRooms = computed<readonly RoomState[]>(() => {
  const search = query.value.trim();
  if (!search) return roomList.value;
  const others = allRooms().filter((room) => !roomList.value.includes(room));
  return [...roomList.value, ...others].filter((room) => matches(search, titleOf(room), room.summary.value.peer));
});

let field: HTMLInputElement | null = null;

/** The search field tells where it is. */
export function setSearchField(next: HTMLInputElement | null): void {
  field = next;
}

/** Move the focus to the search field; on a phone the list is shown first. */
export function focusSearch(): void {
  if (field) return field.select();
  go({ name: "chats" });
  requestAnimationFrame(() => field?.select());
}
