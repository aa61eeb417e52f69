/** How many panes there is room for: one below 720 px, two below 1100, else three. */
import { computed, signal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import { route } from "./router.js";
import { settings } from "./settings.js";

const TWO = 720;
const THREE = 1100;

export const panes = signal<1 | 2 | 3>(1);

/** Whether the details of a chat stand beside it. */
export const detailsBeside = computed(() => panes.value === 3 && settings.value.details && route.value.name === "chat");

/** Measure the element, which the client fills, and follow its width: an embedded client is narrower than its page. */
export function usePanes() {
  const root = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const measure = () => {
      const { clientWidth } = root.current!;
      panes.value = clientWidth < TWO ? 1 : clientWidth < THREE ? 2 : 3;
    };
    const observer = new ResizeObserver(measure);
    observer.observe(root.current!);
    measure();
    return () => observer.disconnect();
  }, []);
  return root;
}
