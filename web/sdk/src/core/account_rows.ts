/** The account rows of this device, by section and name (protocol.md, "Account rows"); pure.
 *
 * The row with the higher stamp is valid, wherever it came from. A deleted row is kept as a stamp, so that an older page
 * does not bring it back.
 */

import type { AccountRow } from "./packets.js";

/** Section and name of a row, as one key of the storage. */
export type Place = `${string} ${string}`;

/** The rows of all sections. */
export class AccountRows {
  private readonly _rows = new Map<Place, AccountRow>();
  // The rows named since the round began.
  private readonly _named = new Set<Place>();

  /** Begin a sync. */
  beginRound(): void {
    this._named.clear();
  }

  /** Take the rows of a page or a push; return the places of those that changed. */
  take(sections: Readonly<Record<string, readonly AccountRow[]>>): Place[] {
    const changed: Place[] = [];
    for (const [section, rows] of Object.entries(sections)) {
      for (const row of rows) {
        const place: Place = `${section} ${row.name}`;
        this._named.add(place);
        if (row.stamp <= (this._rows.get(place)?.stamp ?? -1)) continue;
        this.adopt(place, row);
        changed.push(place);
      }
    }
    return changed;
  }

  /** End a sync; return the places of the rows that are forgotten, since their sections were walked in full and no page
   * named them. */
  endRound(fullSections: readonly string[]): Place[] {
    const isFull = (place: Place) => fullSections.includes(place.slice(0, place.indexOf(" ")));
    const forgotten = [...this._rows.keys()].filter((place) => isFull(place) && !this._named.has(place));
    for (const place of forgotten) this.adopt(place, undefined);
    this._named.clear();
    return forgotten;
  }

  /** Forget all rows, as a new epoch demands; return their places. */
  clear(): Place[] {
    const forgotten = [...this._rows.keys()];
    for (const place of forgotten) this.adopt(place, undefined);
    return forgotten;
  }

  /** Return the values of a section by name. */
  section(section: string): Record<string, unknown> {
    const found: Record<string, unknown> = {};
    for (const [place, row] of this._rows) {
      if (place.startsWith(`${section} `) && "value" in row) found[row.name] = row.value;
    }
    return found;
  }

  /** Return one row, deleted or not. */
  row(place: Place): AccountRow | undefined {
    return this._rows.get(place);
  }

  /** Set or forget a row, as the storage has it or another client wrote it. */
  adopt(place: Place, row: AccountRow | undefined): void {
    if (row) this._rows.set(place, row);
    else this._rows.delete(place);
  }
}

/** Return section and name of a row. */
export function splitPlace(place: Place): [section: string, name: string] {
  const at = place.indexOf(" ");
  return [place.slice(0, at), place.slice(at + 1)];
}
