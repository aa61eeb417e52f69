/** The page Log: the last lines and those that follow, by level, to be paused and searched. */
import { computed, signal } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { Stream } from "./figures.js";
import { Icon } from "./icons.js";
import { parsed, type LogLine } from "./log_lines.js";
import { Choice, Empty, Search, Skeleton } from "./parts.js";
import { texts } from "./texts.js";

type Filter = "debug" | "info" | "warning" | "error";

const words = texts.log;
const FILTERS: Filter[] = ["debug", "info", "warning", "error"];
/** As many as the server keeps by default. */
const KEPT = 2000;
/** Nearer to the end than this, new lines are followed. */
const END_PX = 40;

const level = signal<Filter>("debug");
const query = signal("");
const lines = signal<readonly LogLine[]>([]);
const isOpen = signal(false);
/** The number of the last line that is shown; null while new ones are. */
const pausedAt = signal<number | null>(null);

const reached = computed(() => lines.value.filter((line) => pausedAt.value === null || line.number <= pausedAt.value));
const shown = computed(() => {
  const sought = query.value.toLowerCase().trim();
  return sought ? reached.value.filter((line) => line.sought.includes(sought)) : reached.value;
});

const stream = new Stream(
  () => `v1/log?level=${level.value}`,
  {
    lines: (batch: [number, number, string][]) => {
      lines.value = [...lines.value, ...batch.map(parsed)].slice(-KEPT);
    },
  },
  (open) => {
    // A stream that begins sends everything that is kept.
    if (open) lines.value = [];
    isOpen.value = open || isOpen.value;
  },
);

export function LogPage() {
  useEffect(() => {
    stream.open();
    return () => stream.close();
  }, [level.value]);
  const waiting = lines.value.length - reached.value.length;
  return (
    <div class="log-page">
      <div class="toolbar">
        <Choice
          label={words.level}
          value={level.value}
          options={FILTERS.map((one) => [one, words.levels[one]] as const)}
          onChange={(next) => (level.value = next)}
        />
        <Search label={words.search} value={query.value} onInput={(text) => (query.value = text)} />
        <button
          type="button"
          class="button plain"
          aria-pressed={pausedAt.value !== null}
          onClick={() => (pausedAt.value = pausedAt.value === null ? (lines.value.at(-1)?.number ?? 0) : null)}
        >
          <Icon name={pausedAt.value === null ? "pause" : "play"} size={18} />
          {pausedAt.value === null ? words.pause : words.resume}
        </button>
      </div>
      {pausedAt.value !== null && (
        <p class="notice" role="status">
          {words.paused(waiting)}
        </p>
      )}
      <Lines />
    </div>
  );
}

/** The lines, which are followed as long as the end is in view. */
function Lines() {
  const box = useRef<HTMLDivElement>(null);
  const [isFollowing, follow] = useState(true);
  const toEnd = (): void => box.current?.scrollTo({ top: box.current.scrollHeight });
  useLayoutEffect(() => {
    if (isFollowing) toEnd();
  }, [shown.value, isFollowing]);
  if (!isOpen.value) return <Skeleton rows={10} />;
  if (!shown.value.length) {
    const isSearched = query.value.trim() !== "" && reached.value.length > 0;
    return (
      <Empty
        icon={isSearched ? "search" : "log"}
        title={isSearched ? words.noMatch : words.none}
        hint={isSearched ? words.noMatchHint : words.noneHint}
      />
    );
  }
  return (
    <div class="log-box card">
      <div
        ref={box}
        class="log"
        role="region"
        aria-label={words.lines}
        tabIndex={0}
        onScroll={({ currentTarget: at }) => follow(at.scrollHeight - at.scrollTop - at.clientHeight < END_PX)}
      >
        <ol>
          {shown.value.map((line) => (
            <Line key={line.number} line={line} />
          ))}
        </ol>
      </div>
      {!isFollowing && (
        <button type="button" class="button log-newest" onClick={toEnd}>
          <Icon name="down" size={18} />
          {words.newest}
        </button>
      )}
    </div>
  );
}

function Line({ line }: { line: LogLine }) {
  return (
    <li class={`line ${line.level}`}>
      <time>{line.time}</time>
      <span class="level">{line.level}</span>
      <span class="said">
        <span class="message">{line.message}</span>
        {line.fields.map(([name, value]) => (
          <span key={name} class="field">
            <span class="quiet">{name}</span> {value}
          </span>
        ))}
        <span class="logger">{line.logger}</span>
        {line.trace && (
          <details>
            <summary>{words.details}</summary>
            <pre tabIndex={0}>{line.trace}</pre>
          </details>
        )}
      </span>
    </li>
  );
}
