/** Dialogs: a question before something is changed, with its fields, and why it failed. */
import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import type { Problem } from "./host_api.js";
import { Icon } from "./icons.js";
import { hostTexts, problemText } from "./host_texts.js";

interface DialogProps {
  title: string;
  onClose: () => void;
  children: ComponentChildren;
}

/** A window over the page, which Escape closes; focus goes back to where it was. */
export function Dialog({ title, onClose, children }: DialogProps) {
  const box = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    box.current?.showModal();
    // Else the button that closes it has the focus.
    box.current?.querySelector<HTMLElement>("input, textarea, select")?.focus();
    return () => box.current?.close();
  }, []);
  return (
    <dialog
      ref={box}
      class="dialog"
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
    >
      <header class="dialog-head">
        <h2 id={id}>{title}</h2>
        <button type="button" class="quiet-button" aria-label={hostTexts.close} onClick={onClose}>
          <Icon name="close" />
        </button>
      </header>
      {children}
    </dialog>
  );
}

interface ActionProps<T> {
  title: string;
  lead?: string;
  submit: string;
  isDangerous?: boolean;
  isReady?: boolean;
  /** Do it; the answer says why it failed. */
  run: () => Promise<{ problem?: Problem; value?: T }>;
  onDone: (value: T) => void;
  onClose: () => void;
  children?: ComponentChildren;
}

/** A dialog that does one thing, and closes when it is done. */
export function Action<T>(props: ActionProps<T>) {
  const { title, lead, submit, isDangerous, isReady = true, run, onDone, onClose, children } = props;
  const [problem, setProblem] = useState<Problem | null>(null);
  const [isBusy, setBusy] = useState(false);
  const act = async (): Promise<void> => {
    setBusy(true);
    setProblem(null);
    const { problem: found, value } = await run();
    setBusy(false);
    if (found) setProblem(found);
    else onDone(value as T);
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <form
        class="form"
        onSubmit={(event) => {
          event.preventDefault();
          if (isReady && !isBusy) void act();
        }}
      >
        {lead && <p class="quiet">{lead}</p>}
        {children}
        <p class="problem" role="alert">
          {problem && problemText(problem)}
        </p>
        <div class="dialog-end">
          <button type="button" class="button plain" onClick={onClose}>
            {hostTexts.cancel}
          </button>
          <button type="submit" class={isDangerous ? "button danger" : "button"} disabled={!isReady || isBusy}>
            {submit}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

interface FieldProps {
  label: string;
  hint?: string;
  value: string;
  onInput: (value: string) => void;
  lines?: number;
  max?: number;
}

/** A field with its label above it. */
export function Field({ label, hint, value, onInput, lines, max = 4000 }: FieldProps) {
  const id = useId();
  const shared = { id, value, maxLength: max, autocomplete: "off", spellcheck: false, "aria-describedby": hint && `${id}-hint` } as const;
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {lines ? (
        <textarea {...shared} rows={lines} onInput={(event) => onInput(event.currentTarget.value)} />
      ) : (
        <input {...shared} type="text" onInput={(event) => onInput(event.currentTarget.value)} />
      )}
      {hint && (
        <p id={`${id}-hint`} class="quiet small">
          {hint}
        </p>
      )}
    </div>
  );
}

interface SelectProps<T extends string> {
  label: string;
  value: T;
  options: readonly (readonly [T, string])[];
  onChange: (value: T) => void;
}

/** A choice of one, in a list of the system. */
export function Select<T extends string>({ label, value, options, onChange }: SelectProps<T>) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select id={id} value={value} onChange={(event) => onChange(event.currentTarget.value as T)}>
        {options.map(([one, text]) => (
          <option key={one} value={one}>
            {text}
          </option>
        ))}
      </select>
    </div>
  );
}

interface CheckProps {
  label: string;
  hint?: string;
  isChecked: boolean;
  onChange: (isChecked: boolean) => void;
}

/** A box to tick, with what it means. */
export function Tick({ label, hint, isChecked, onChange }: CheckProps) {
  return (
    <label class="tick">
      <input type="checkbox" checked={isChecked} onChange={(event) => onChange(event.currentTarget.checked)} />
      <span>
        {label}
        {hint && <span class="quiet small">{hint}</span>}
      </span>
    </label>
  );
}
