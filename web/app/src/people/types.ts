/** Parts of a card (protocol.md, "Page"). */
import type { Profile } from "@chatd/client";

export type Page = NonNullable<Profile["page"]>;
export type Theme = NonNullable<Page["theme"]>;
export type CardField = NonNullable<Page["fields"]>[number];
