/** Small controls that pages share: rows of a card, switches, choices. */
import type { ComponentChildren } from "preact";
import { Icon, type IconName } from "./icons.js";

/** A titled card of rows. */
export function Card({ title, children }: { title?: string; children: ComponentChildren }) {
  return (
    <section class="card" aria-label={title}>
      {title && <h2 class="card-title">{title}</h2>}
      {children}
    </section>
  );
}

interface SwitchProps {
  icon?: IconName;
  label: string;
  hint?: string;
  on: boolean;
  disabled?: boolean;
  onChange: (on: boolean) => void;
}

/** A row that is switched on and off. */
export function Switch({ icon, label, hint, on, disabled = false, onChange }: SwitchProps) {
  return (
    <label class="setting">
      {icon && <Icon name={icon} />}
      <span class="setting-text">
        <span>{label}</span>
        {hint && <span class="quiet small">{hint}</span>}
      </span>
      <input
        type="checkbox"
        role="switch"
        class="switch"
        checked={on}
        disabled={disabled}
        onChange={(event) => onChange(event.currentTarget.checked)}
      />
    </label>
  );
}

interface ActionProps {
  icon: IconName;
  label: string;
  hint?: string;
  danger?: boolean;
  onClick: () => void;
}

/** A row that does something. */
export function Action({ icon, label, hint, danger = false, onClick }: ActionProps) {
  return (
    <button type="button" class={danger ? "setting danger" : "setting"} onClick={onClick}>
      <Icon name={icon} />
      <span class="setting-text">
        <span>{label}</span>
        {hint && <span class="quiet small">{hint}</span>}
      </span>
    </button>
  );
}

interface ChoiceProps<T extends string> {
  label: string;
  value: T;
  options: readonly { value: T; label: string; icon?: IconName }[];
  disabled?: boolean;
  onChange: (value: T) => void;
}

/** One of two or three: radio buttons side by side. */
export function Segments<T extends string>({ label, value, options, onChange }: ChoiceProps<T>) {
  return (
    <fieldset class="segments">
      <legend class="unseen">{label}</legend>
      {options.map((option) => (
        <label key={option.value} class="segment">
          <input
            type="radio"
            class="unseen"
            name={label}
            checked={option.value === value}
            onChange={() => onChange(option.value)}
          />
          {option.icon && <Icon name={option.icon} />}
          <span>{option.label}</span>
        </label>
      ))}
    </fieldset>
  );
}

/** One of a list. */
export function Choice<T extends string>({ label, value, options, disabled = false, onChange }: ChoiceProps<T>) {
  return (
    <label class="setting">
      <span class="setting-text">{label}</span>
      <select class="field choice" value={value} disabled={disabled} onChange={(event) => onChange(event.currentTarget.value as T)}>
        {options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.label}
          </option>
        ))}
      </select>
    </label>
  );
}
