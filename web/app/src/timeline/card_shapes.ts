/** The types of cards that are drawn, and where they lead; pure. */
import type { Body } from "@chatd/client";

export type Card = NonNullable<Body["card"]>;

const KNOWN: readonly string[] = ["link", "post", "album", "app", "place", "contact", "room", "sticker"];
/** Degrees are told as whole numbers of this many parts. */
const PARTS = 1e7;

/** The card of a message, if its type is known: of others the text is shown. */
export const cardOf = (body: Body | undefined): Card | undefined => (body?.card && KNOWN.includes(body.card.type) ? body.card : undefined);

/** The address that a card opens elsewhere; empty without one that a client should open. */
export function addressOf({ url = "" }: Card): URL | undefined {
  const address = URL.canParse(url) ? new URL(url) : undefined;
  return address?.protocol === "https:" && !address.username && !address.password ? address : undefined;
}

/** The place of a card in degrees, north and east. */
export const degreesOf = ({ lat = 0, lon = 0 }: Card): [north: number, east: number] => [lat / PARTS, lon / PARTS];

/** Degrees as a card has them. */
export const partsOf = (degrees: number): number => Math.round(degrees * PARTS);
