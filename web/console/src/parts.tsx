/** The small parts that pages share. */
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Icon, type IconName } from "./icons.js";
import { texts } from "./texts.js";

interface CardProps {
  title?: string;
  aside?: ComponentChildren;
  class?: string;
  children: ComponentChildren;
}

/** A titled part of a page. */
export function Card({ title, aside, class: name = "", children }: CardProps) {
  return (
    <section class={`card ${name}`} aria-label={title}>
      {title && (
        <header class="card-head">
          <h2>{title}</h2>
          {aside}
        </header>
      )}
      {children}
    </section>
  );
}

/** One sentence, and what it means, in the place of content. */
export function Empty({ icon, title, hint }: { icon: IconName; title: string; hint: string }) {
  return (
    <div class="empty">
      <span class="empty-icon">
        <Icon name={icon} size={28} />
      </span>
      <p class="empty-title">{title}</p>
      <p class="quiet">{hint}</p>
    </div>
  );
}

/** Grey lines while the first answer is under way. */
export function Skeleton({ rows = 4 }: { rows?: number }) {
  return (
    <div class="skeleton" role="status" aria-label={texts.loading}>
      {Array.from({ length: rows }, (_, row) => (
        <span key={row} />
      ))}
    </div>
  );
}

interface ChoiceProps<T extends string | number> {
  label: string;
  value: T;
  options: readonly (readonly [T, string])[];
  onChange: (value: T) => void;
}

/** A choice of a few, side by side. */
export function Choice<T extends string | number>({ label, value, options, onChange }: ChoiceProps<T>) {
  return (
    <div class="choice" role="group" aria-label={label}>
      {options.map(([one, text]) => (
        <button key={one} type="button" aria-pressed={one === value} onClick={() => onChange(one)}>
          {text}
        </button>
      ))}
    </div>
  );
}

interface SearchProps {
  label: string;
  value: string;
  onInput: (value: string) => void;
  onSubmit?: () => void;
}

/** A field to search in; the key "/" leads there (shell.tsx). */
export function Search({ label, value, onInput, onSubmit }: SearchProps) {
  return (
    <form
      class="search"
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        onSubmit?.();
      }}
    >
      <Icon name="search" size={18} />
      <input
        type="search"
        aria-label={label}
        placeholder={label}
        value={value}
        autocomplete="off"
        spellcheck={false}
        onInput={(event) => onInput(event.currentTarget.value)}
      />
    </form>
  );
}

/** A command to run on the server, with a button that copies it. */
export function Command({ text, label }: { text: string; label: string }) {
  const [isCopied, setCopied] = useState(false);
  useEffect(() => {
    const timer = isCopied ? setTimeout(() => setCopied(false), 1500) : undefined;
    return () => clearTimeout(timer);
  }, [isCopied]);
  const copy = async (): Promise<void> => {
    await navigator.clipboard?.writeText(text).then(
      () => setCopied(true),
      () => undefined,
    );
  };
  return (
    <div class="command">
      <code>{text}</code>
      <button type="button" class="quiet-button" aria-label={isCopied ? texts.signIn.copied : label} onClick={() => void copy()}>
        <Icon name={isCopied ? "check" : "copy"} size={18} />
      </button>
    </div>
  );
}

/** Names and values, one a line. */
export function Facts({ rows }: { rows: readonly (readonly [string, ComponentChildren])[] }) {
  return (
    <dl class="facts">
      {rows.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
