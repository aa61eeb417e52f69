/** Fields of the forms of people: a text with its count, and a box to check. */
import type { Signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";
import { number } from "../locale/locale.js";

interface FieldProps {
  label: string;
  hint?: string;
  /** What is wrong with what stands there. */
  problem?: string;
  value: Signal<string>;
  /** Most signs; they are counted when few are left. */
  max: number;
  /** Of more than one line a field that grows no further. */
  lines?: number;
  disabled?: boolean;
  autoFocus?: boolean;
  /** A sign before the text, as the @ of a handle. */
  before?: string;
  placeholder?: string;
}

/** Signs left below which they are shown. */
const FEW = 20;

export function Field({ label, hint, problem, value, max, lines = 1, before, ...rest }: FieldProps) {
  const id = useId();
  const left = max - [...value.value].length;
  const common = {
    ...rest,
    class: lines > 1 ? "field area" : "field",
    value,
    "aria-describedby": hint || problem ? id : undefined,
    "aria-invalid": problem ? true : undefined,
    autocomplete: "off",
    dir: "auto" as const,
  };
  const take = (event: Event) => (value.value = (event.currentTarget as HTMLInputElement).value);
  return (
    <label class="labelled">
      <span class="labelled-head">
        <span>{label}</span>
        {left <= FEW && <span class={left < 0 ? "problem" : ""}>{number(left)}</span>}
      </span>
      {lines > 1 ? (
        <textarea {...common} rows={lines} onInput={take} />
      ) : (
        <span class={before ? "field-line with-sign" : "field-line"}>
          {before && <span aria-hidden="true">{before}</span>}
          <input
            {...common}
            spellcheck={before ? false : undefined}
            autocapitalize={before ? "none" : undefined}
            onInput={take}
          />
        </span>
      )}
      {(problem || hint) && (
        <span id={id} class={problem ? "problem" : "small quiet"}>
          {problem || hint}
        </span>
      )}
    </label>
  );
}

interface CheckProps {
  label: ComponentChildren;
  on: boolean;
  disabled?: boolean;
  onChange: (on: boolean) => void;
}

export function Check({ label, on, disabled = false, onChange }: CheckProps) {
  return (
    <label class="check">
      <input type="checkbox" checked={on} disabled={disabled} onChange={(event) => onChange(event.currentTarget.checked)} />
      <bdi class="anywhere">{label}</bdi>
    </label>
  );
}
