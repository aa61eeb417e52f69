/** The condition of the server (`v1/now`), asked for every ten seconds while a page shows it. */
import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { read, type Now } from "./api.js";

const EVERY_MS = 10_000;

export const condition = signal<Now | null>(null);

/** Keep the condition fresh while the calling component is shown. */
export function useCondition(): Now | null {
  useRefresh(async () => {
    condition.value = (await read<Now>("now")) ?? condition.value;
  }, EVERY_MS);
  return condition.value;
}

/** Run `refresh` now and regularly while the calling component is shown and the page is seen; again when `key` changes. */
export function useRefresh(refresh: () => Promise<void>, everyMs: number, key = ""): void {
  useEffect(() => {
    void refresh();
    const timer = setInterval(() => {
      if (!document.hidden) void refresh();
    }, everyMs);
    return () => clearInterval(timer);
  }, [key]);
}
