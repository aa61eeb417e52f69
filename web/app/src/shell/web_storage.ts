/** Small values in localStorage, shared by the tabs of this browser, and sessionStorage, of this tab alone.
 *
 * Where the browser blocks them (a setting, a frame), reading the property itself throws: values then live in memory.
 */

type Place = "localStorage" | "sessionStorage";

const memory = new Map<string, string>();

/** The value of a key; null if there is none. */
export function kept(place: Place, key: string): string | null {
  try {
    return globalThis[place].getItem(key);
  } catch {
    return memory.get(place + key) ?? null;
  }
}

/** Keep a value; null removes it. */
export function keep(place: Place, key: string, value: string | null): void {
  try {
    if (value === null) globalThis[place].removeItem(key);
    else globalThis[place].setItem(key, value);
  } catch {
    if (value === null) memory.delete(place + key);
    else memory.set(place + key, value);
  }
}
