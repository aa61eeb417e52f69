/** The commands that fit what is being typed; the focus stays in the field. */
import type { RefObject } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import type { Command } from "@chatd/client/platform";
import { t } from "../locale/locale.js";
import type { CommandQuery } from "./command_query.js";

interface PickerProps {
  query: CommandQuery;
  field: RefObject<HTMLTextAreaElement | null>;
}

export function CommandPicker({ query, field }: PickerProps) {
  const list = useRef<HTMLDivElement>(null);
  const at = query.at.value;
  // There may be more than fit.
  useLayoutEffect(() => list.current?.children[at]?.scrollIntoView({ block: "nearest" }), [at]);
  if (!query.open.value) return null;
  const pick = (event: Event, command: Command) => {
    event.preventDefault();
    query.pick(command, field.current!);
  };
  return (
    <div ref={list} id={query.id} class="mentions commands" role="listbox" aria-label={t("chat.commands")}>
      {query.candidates.value.map((command, index) => (
        <div
          key={command.name}
          id={`${query.id}-${index}`}
          class="mention-option"
          role="option"
          aria-selected={index === at}
          // Not the click: it would come after the field lost the focus.
          onPointerDown={(event) => pick(event, command)}
        >
          <span class="command-name" dir="ltr">{`/${command.name}`}</span>
          <bdi class="quiet small">{command.description}</bdi>
        </div>
      ))}
    </div>
  );
}
