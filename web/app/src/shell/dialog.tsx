/** Dialogs: a native modal one, which keeps the focus, closes on Esc and lies above everything. */
import { signal } from "@preact/signals";
import type { ComponentChildren, ComponentType } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { t } from "../locale/locale.js";
import { Icon } from "./icons.js";
import { loadMore } from "./more.js";
import { notify } from "./announcer.js";

const open = signal<(() => ComponentChildren) | null>(null);

/** Show a dialog that is loaded when it is first needed. */
export async function openDialog<P extends object>(load: () => Promise<ComponentType<P>>, props: P): Promise<void> {
  try {
    const [Loaded] = await Promise.all([load(), loadMore()]);
    open.value = () => <Loaded {...props} />;
  } catch {
    notify(t("error.part"));
  }
}

/** Close the dialog that is shown. */
export function closeDialog(): void {
  open.value = null;
}

/** The place of the dialog; once in every window. */
export function DialogHost() {
  return <>{open.value?.()}</>;
}

export interface DialogProps {
  title: string;
  children: ComponentChildren;
  /** The buttons at its foot. */
  actions?: ComponentChildren;
  /** Called with Enter in a field, when the dialog is a form. */
  onSubmit?: () => void;
}

/** The frame of a dialog: title, content, actions. */
export function Dialog({ title, children, actions, onSubmit }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => {
    const root = dialog.current!.getRootNode() as Document | ShadowRoot;
    const before = root.activeElement as HTMLElement | null;
    dialog.current!.showModal();
    return () => before?.focus();
  }, []);
  const submit = (event: Event) => (event.preventDefault(), onSubmit?.());
  const outside = (event: MouseEvent) => event.target === dialog.current && closeDialog();
  // The browser closes the dialog; the page behind it stays.
  const onKey = (event: KeyboardEvent) => event.key === "Escape" && event.stopPropagation();
  return (
    <dialog ref={dialog} class="dialog" aria-labelledby="dialog-title" onClose={closeDialog} onMouseDown={outside} onKeyDown={onKey}>
      <form class="dialog-frame" onSubmit={submit}>
        <header class="dialog-head">
          <h2 id="dialog-title">{title}</h2>
          <button type="button" class="icon-button" aria-label={t("action.close")} onClick={closeDialog}>
            <Icon name="close" />
          </button>
        </header>
        <div class="dialog-body">{children}</div>
        {actions && <footer class="dialog-foot">{actions}</footer>}
      </form>
    </dialog>
  );
}

interface ConfirmProps {
  title: string;
  text: string;
  action: string;
  onConfirm: () => void;
}

/** Ask before something that cannot be undone. */
export function confirm(props: ConfirmProps): void {
  open.value = () => <Confirm {...props} />;
}

/** Say something that is not to pass unseen. */
export function tell({ title, text }: { title: string; text: string }): void {
  const actions = (
    <button type="submit" class="button primary">
      {t("action.close")}
    </button>
  );
  open.value = () => (
    <Dialog title={title} actions={actions} onSubmit={closeDialog}>
      <p class="anywhere">{text}</p>
    </Dialog>
  );
}

function Confirm({ title, text, action, onConfirm }: ConfirmProps) {
  const actions = (
    <>
      <button type="button" class="button" onClick={closeDialog}>
        {t("action.cancel")}
      </button>
      <button type="submit" class="button danger primary">
        {action}
      </button>
    </>
  );
  return (
    <Dialog title={title} actions={actions} onSubmit={() => (closeDialog(), onConfirm())}>
      <p class="quiet">{text}</p>
    </Dialog>
  );
}
