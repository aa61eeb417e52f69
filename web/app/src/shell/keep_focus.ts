/** The focus of a list from which a row goes when its button was pressed. */

/** Do what a button of a row does; if the row goes with it, the focus moves to what stands in its place. */
export async function keepFocus(event: Event, work: () => Promise<unknown>): Promise<void> {
  const button = event.currentTarget as HTMLElement;
  const page = button.closest<HTMLElement>(".pane, .dialog");
  const controls = () => [...(page?.querySelectorAll<HTMLElement>("button, a[href]:not([tabindex])") ?? [])];
  const at = controls().indexOf(button);
  await work();
  // The row goes when its change is drawn.
  await new Promise(requestAnimationFrame);
  await new Promise(requestAnimationFrame);
  const root = page?.getRootNode() as Document | ShadowRoot | undefined;
  if (button.isConnected || root?.activeElement?.matches("button, a, input, textarea")) return;
  const left = controls();
  left[Math.min(at, left.length - 1)]?.focus();
}
