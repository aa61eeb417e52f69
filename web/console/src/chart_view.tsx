/** Charts as elements: a line chart with its legend and what is under the pointer, and a line alone. */
import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { drawChart, drawSparkline, nearest, type Line } from "./chart.js";
import { isFull, points, type Point } from "./figures.js";
import { timeOfDay } from "./format.js";
import { texts } from "./texts.js";
import { theme } from "./theme.js";

/** Where the reader points, in seconds: all charts show the same moment. */
const pointed = signal<number | null>(null);
/** Counts the changes of size, so that charts are drawn anew. */
const resized = signal(0);
if (typeof addEventListener === "function") addEventListener("resize", () => (resized.value += 1));

export interface Series {
  name: string;
  color: string;
  value: (point: Point) => number | null;
}

interface ChartProps {
  title: string;
  series: readonly Series[];
  seconds: number;
  format: (value: number) => string;
  axis: (value: number) => string;
}

/** A line chart of the last `seconds`. */
export function Chart({ title, series, seconds, format, axis }: ChartProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const last = points.value.at(-1)?.t ?? 0;
  const from = last - seconds;
  const shown = points.value.filter((point) => point.t >= from);
  const times = shown.map((point) => point.t);
  const lines: Line[] = series.map(({ color, value }) => ({ color, values: shown.map(value) }));
  const at = pointed.value;
  useEffect(() => {
    if (canvas.current) drawChart(canvas.current, { times, lines, from, to: last, at, format: axis });
  }, [points.value, at, seconds, theme.value, resized.value]);
  const point = at === null ? undefined : shown[nearest(times, at)];
  const current = point ?? shown.at(-1);
  const pointTo = (event: PointerEvent): void => {
    const box = (event.currentTarget as HTMLElement).getBoundingClientRect();
    pointed.value = Math.round(from + ((event.clientX - box.left) / box.width) * seconds);
  };
  return (
    <figure class="chart card">
      <figcaption class="card-head">
        <h3>{title}</h3>
        <span class="legend">
          {point && series.length === 1 && <span class="quiet">{timeOfDay(point.t)}</span>}
          {series.map(({ name, color, value }) => (
            <span key={name}>
              {series.length > 1 && <i class={`swatch ${color.slice(2)}`} />}
              {series.length > 1 && <span class="quiet">{name}</span>}
              <b>{shownValue(current ? value(current) : null, format)}</b>
            </span>
          ))}
        </span>
      </figcaption>
      <canvas
        ref={canvas}
        role="img"
        aria-label={`${title}: ${summary(lines[0]?.values ?? [], format)}`}
        onPointerMove={pointTo}
        onPointerLeave={() => (pointed.value = null)}
      />
      {!times.length && !isFull.value && <p class="chart-empty quiet">{texts.now.collecting}</p>}
    </figure>
  );
}

const shownValue = (value: number | null, format: (value: number) => string): string =>
  value === null ? "–" : format(value);

function summary(values: readonly (number | null)[], format: (value: number) => string): string {
  const known = values.filter((value) => value !== null);
  if (!known.length) return texts.now.collecting;
  return texts.now.summary(format(known.at(-1)!), format(Math.min(...known)), format(Math.max(...known)));
}

/** The last minutes of one value, without scale. */
export function Sparkline({ value, seconds }: { value: (point: Point) => number | null; seconds: number }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const shown = points.value;
    if (canvas.current) {
      const times = shown.map((point) => point.t);
      drawSparkline(canvas.current, times, shown.map(value), seconds);
    }
  }, [points.value, seconds, theme.value, resized.value]);
  return <canvas ref={canvas} class="sparkline" aria-hidden="true" />;
}
