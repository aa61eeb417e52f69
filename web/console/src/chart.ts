/** Line charts on a canvas: pure drawing, of seconds against values. A hole of some seconds is a gap in the line. */

import { texts } from "./texts.js";

export interface Line {
  /** A custom property of the design, such as `--accent`. */
  color: string;
  values: readonly (number | null)[];
}

export interface Plot {
  times: readonly number[];
  lines: readonly Line[];
  /** The seconds at the left and at the right edge. */
  from: number;
  to: number;
  /** Where the reader points, in seconds. */
  at: number | null;
  format: (value: number) => string;
}

const GAP_S = 3;
const STEPS = [1, 2, 2.5, 5, 10];
const ROWS = 2;
const INSET = { top: 10, bottom: 22 } as const;

/** The smallest round number that is not below the highest value, divisible into the rows of the grid. */
export function ceiling(highest: number): number {
  if (highest <= 0) return ROWS;
  const unit = 10 ** Math.floor(Math.log10(highest));
  return unit * (STEPS.find((step) => step * unit >= highest) ?? 10);
}

/** Draw a whole chart with grid, scale and time. */
export function drawChart(canvas: HTMLCanvasElement, plot: Plot): void {
  const space = prepared(canvas);
  if (!space) return;
  const { context, width, height } = space;
  const top = ceiling(Math.max(0, ...plot.lines.flatMap((line) => line.values.map((value) => value ?? 0))));
  context.font = `11px ${getComputedStyle(canvas).fontFamily}`;
  const labels = Array.from({ length: ROWS + 1 }, (_, row) => plot.format((top / ROWS) * row));
  const left = Math.ceil(Math.max(...labels.map((label) => context.measureText(label).width))) + 10;
  const bottom = height - INSET.bottom;
  const x = (time: number): number => left + ((time - plot.from) / (plot.to - plot.from)) * (width - left - 1);
  const y = (value: number): number => bottom - (value / top) * (bottom - INSET.top);
  grid(context, labels, { left, right: width, bottom, y: (row) => y((top / ROWS) * row) }, canvas);
  clockLabels(context, plot, x, height, canvas);
  for (const line of plot.lines) {
    stroke(context, plot.times, line.values, x, y, { color: resolved(canvas, line.color), floor: bottom, isFilled: plot.lines.length === 1 });
  }
  if (plot.at !== null) pointer(context, plot, x, y, { top: INSET.top, bottom }, canvas);
}

/** Draw the line alone, to the edges. */
export function drawSparkline(canvas: HTMLCanvasElement, times: readonly number[], values: readonly (number | null)[], span: number): void {
  const space = prepared(canvas);
  const last = times.at(-1);
  if (!space || last === undefined) return;
  const { context, width, height } = space;
  const top = Math.max(ceiling(Math.max(0, ...values.map((value) => value ?? 0))), Number.MIN_VALUE);
  const x = (time: number): number => width - ((last - time) / span) * width;
  const y = (value: number): number => height - 2 - (value / top) * (height - 6);
  stroke(context, times, values, x, y, { color: resolved(canvas, "--accent"), floor: height, isFilled: true });
}

/** The sample nearest to a time. */
export function nearest(times: readonly number[], at: number): number {
  let best = -1;
  for (let index = 0; index < times.length; index += 1) {
    if (best < 0 || Math.abs(times[index]! - at) < Math.abs(times[best]! - at)) best = index;
  }
  return best;
}

/** The canvas, cleared and sized for the screen; null while it has no size. */
function prepared(canvas: HTMLCanvasElement): { context: CanvasRenderingContext2D; width: number; height: number } | null {
  const { clientWidth: width, clientHeight: height } = canvas;
  const context = canvas.getContext("2d");
  if (!context || !width || !height) return null;
  const ratio = window.devicePixelRatio || 1;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  context.lineJoin = "round";
  return { context, width, height };
}

/** The colour of a custom property in the theme of the canvas: computed styles resolve it for `color` alone. */
function resolved(canvas: HTMLCanvasElement, property: string): string {
  canvas.style.color = `var(${property})`;
  return getComputedStyle(canvas).color;
}

interface Frame {
  left: number;
  right: number;
  bottom: number;
  y: (row: number) => number;
}

function grid(context: CanvasRenderingContext2D, labels: string[], frame: Frame, canvas: HTMLCanvasElement): void {
  const [ink, line] = [resolved(canvas, "--ink-2"), resolved(canvas, "--line")];
  context.lineWidth = 1;
  context.textBaseline = "middle";
  context.textAlign = "right";
  labels.forEach((label, row) => {
    const at = Math.round(frame.y(row)) + 0.5;
    context.strokeStyle = line;
    context.beginPath();
    context.moveTo(frame.left, at);
    context.lineTo(frame.right, at);
    context.stroke();
    context.fillStyle = ink;
    context.fillText(label, frame.left - 8, at);
  });
}

function clockLabels(
  context: CanvasRenderingContext2D,
  plot: Plot,
  x: (time: number) => number,
  height: number,
  canvas: HTMLCanvasElement,
): void {
  const span = plot.to - plot.from;
  const step = span > 400 ? 120 : span > 100 ? 60 : 15;
  context.fillStyle = resolved(canvas, "--ink-2");
  context.textBaseline = "alphabetic";
  context.textAlign = "center";
  for (let ago = step; ago < span; ago += step) {
    context.fillText(texts.now.ago(ago), x(plot.to - ago), height - 4);
  }
  context.textAlign = "right";
  context.fillText(texts.now.atOnce, x(plot.to), height - 4);
}

interface Style {
  color: string;
  floor: number;
  isFilled: boolean;
}

function stroke(
  context: CanvasRenderingContext2D,
  times: readonly number[],
  values: readonly (number | null)[],
  x: (time: number) => number,
  y: (value: number) => number,
  style: Style,
): void {
  for (const run of runs(times, values)) {
    const path = new Path2D();
    run.forEach(([time, value], index) => (index ? path.lineTo(x(time), y(value)) : path.moveTo(x(time), y(value))));
    const [first, last] = [run[0]!, run.at(-1)!];
    if (style.isFilled) {
      const area = new Path2D(path);
      area.lineTo(x(last[0]), style.floor);
      area.lineTo(x(first[0]), style.floor);
      const gradient = context.createLinearGradient(0, 0, 0, style.floor);
      gradient.addColorStop(0, style.color);
      gradient.addColorStop(1, "transparent");
      context.globalAlpha = 0.16;
      context.fillStyle = gradient;
      context.fill(area);
      context.globalAlpha = 1;
    }
    context.strokeStyle = style.color;
    context.lineWidth = 1.75;
    context.lineCap = "round";
    context.stroke(path);
  }
}

/** The samples without holes in between; a sample alone is a short line. */
function runs(times: readonly number[], values: readonly (number | null)[]): [number, number][][] {
  const found: [number, number][][] = [];
  let run: [number, number][] = [];
  times.forEach((time, index) => {
    const value = values[index] ?? null;
    const before = run.at(-1);
    if (value === null) return;
    if (before && time - before[0] > GAP_S) {
      found.push(run);
      run = [];
    }
    run.push([time, value]);
  });
  if (run.length) found.push(run);
  return found.map((one) => (one.length > 1 ? one : [one[0]!, [one[0]![0] + 0.5, one[0]![1]]]));
}

function pointer(
  context: CanvasRenderingContext2D,
  plot: Plot,
  x: (time: number) => number,
  y: (value: number) => number,
  frame: { top: number; bottom: number },
  canvas: HTMLCanvasElement,
): void {
  const index = nearest(plot.times, plot.at ?? 0);
  const time = plot.times[index];
  if (time === undefined || time < plot.from) return;
  context.strokeStyle = resolved(canvas, "--control");
  context.lineWidth = 1;
  context.beginPath();
  context.moveTo(Math.round(x(time)) + 0.5, frame.top);
  context.lineTo(Math.round(x(time)) + 0.5, frame.bottom);
  context.stroke();
  for (const line of plot.lines) {
    const value = line.values[index];
    if (value === null || value === undefined) continue;
    context.fillStyle = resolved(canvas, "--bg");
    context.strokeStyle = resolved(canvas, line.color);
    context.lineWidth = 2;
    context.beginPath();
    context.arc(x(time), y(value), 4, 0, 2 * Math.PI);
    context.fill();
    context.stroke();
  }
}
