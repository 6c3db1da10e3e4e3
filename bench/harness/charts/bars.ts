// SPDX-License-Identifier: Apache-2.0
import type { Chart } from '../report.js';
import { linearScale, linearTicks, short } from './axes.js';
import { colourOf, line, px, rect, svg, text, textWidth } from './svg.js';

type Stack = Extract<Chart, { kind: 'stack' }>;
type Bars = Extract<Chart, { kind: 'bars' }>;

const width = 640, right = 600, leastLeft = 60;
const rowHeight = 17;

/** Where bars begin: right of the longest of their names. */
const leftOf = (names: readonly string[]): number => Math.max(leastLeft, ...names.map((name) => textWidth(name) + 12));

/** One horizontal bar per run, made of its parts; each part keeps its colour in all bars. */
export function stackSvg({ title, unit, bars }: Stack): string {
  const names = [...new Set(bars.flatMap(({ parts }) => parts.map(({ name }) => name)))];
  const key = legend(names);
  const left = leftOf(bars.map(({ name }) => name));
  const totals = bars.map(({ parts }) => parts.reduce((sum, { value }) => sum + value, 0));
  const ticks = linearTicks(Math.max(...totals), 6), x = linearScale(0, ticks.at(-1) ?? 1, left, right);
  const top = key.height + 10, barHeight = 26, pitch = 40, bottom = top + pitch * bars.length;
  const body = bars.map(({ name, parts }, i) => {
    const y = top + i * pitch + 7;
    let from = 0;
    const blocks = parts.map((part) => {
      const block = rect(x(from), y, x(from + part.value) - x(from), barHeight, `part ${colourOf(names.indexOf(part.name))}${names.indexOf(part.name) >= 8 ? ' pale' : ''}`,
        `${name}, ${part.name}: ${short(Number(part.value.toPrecision(3)))} ${unit}`);
      const fits = x(from + part.value) - x(from) > textWidth(part.name) + 6;
      const label = fits ? text((x(from) + x(from + part.value)) / 2, y + barHeight / 2 + 4, part.name, { anchor: 'middle', role: 'inside' }) : '';
      from += part.value;
      return block + label;
    });
    return text(left - 8, y + barHeight / 2 + 4, name, { anchor: 'end' }) + blocks.join('') + text(x(from) + 5, y + barHeight / 2 + 4, short(Number(from.toPrecision(3))), { role: 'tick' });
  });
  return svg(width, bottom + 44, title, [key.svg, axis(ticks, x, left, top, bottom, unit), ...body].join(''));
}

/** Groups of horizontal bars with the quartiles as whiskers. */
export function barsSvg({ title, unit, groups }: Bars): string {
  const names = [...new Set(groups.flatMap(({ bars }) => bars.map(({ name }) => name)))];
  const key = legend(names);
  const left = leftOf(groups.map(({ name }) => name));
  const ticks = linearTicks(Math.max(...groups.flatMap(({ bars }) => bars.map(({ value }) => value))), 6);
  const x = linearScale(0, ticks.at(-1) ?? 1, left, right);
  const held = (value: number): number => Math.min(right, x(value)); // a whisker may be longer than the axis
  const top = key.height + 10, barHeight = 9, gap = 12;
  let y = top + 6;
  const body = groups.map(({ name, bars }) => {
    const begin = y;
    const drawn = bars.map((bar) => {
      const middle = y + barHeight / 2;
      const parts = rect(left, y, x(bar.value) - left, barHeight - 1, `part ${colourOf(names.indexOf(bar.name))}`, `${name}, ${bar.name}: ${short(Number(bar.value.toPrecision(3)))} ${unit}`)
        + (bar.low === undefined || bar.high === undefined ? '' : line(held(bar.low), middle, held(bar.high), middle, 'whisker'));
      y += barHeight;
      return parts;
    });
    const label = text(left - 8, (begin + y) / 2 + 4, name, { anchor: 'end' });
    y += gap;
    return drawn.join('') + label;
  });
  return svg(width, y + 40, title, [key.svg, axis(ticks, x, left, top, y - gap / 2, unit), ...body].join(''));
}

function axis(ticks: readonly number[], x: (value: number) => number, left: number, top: number, bottom: number, unit: string): string {
  return ticks.map((tick) => line(x(tick), top, x(tick), bottom, 'grid') + text(x(tick), bottom + 17, short(tick), { anchor: 'middle', role: 'tick' })).join('')
    + text((left + right) / 2, bottom + 36, unit, { anchor: 'middle', role: 'axis' });
}

/** Names and colours in as many lines as they need. */
function legend(names: readonly string[]): { readonly svg: string; readonly height: number } {
  let x = 8, y = 14;
  const entries = names.map((name, i) => {
    const length = textWidth(name) + 30;
    if (x + length > width) { x = 8; y += rowHeight; }
    const entry = `<rect x="${px(x)}" y="${px(y - 10)}" width="12" height="12" rx="2" class="${colourOf(i)}${i >= 8 ? ' pale' : ''}"/>` + text(x + 17, y, name);
    x += length;
    return entry;
  });
  return { svg: entries.join(''), height: y + 6 };
}
