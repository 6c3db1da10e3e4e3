// SPDX-License-Identifier: Apache-2.0
import type { Chart } from '../report.js';
import { linearScale, linearTicks, short } from './axes.js';
import { colourOf, escapeHtml, line, px, svg, text, textWidth } from './svg.js';

type Lines = Extract<Chart, { kind: 'lines' }>;

const width = 640, height = 360;
const frame = { left: 56, top: 16, bottom: 312 };
const lineHeight = 17;

/** Curves from the origin of y, named at their right ends. */
export function linesSvg({ title, x: xName, y: yName, series }: Lines): string {
  const points = series.flatMap((s) => s.points);
  const labels = series.map(({ name, ideal, points: p }) => (ideal ? name : `${name} ${short(Number((p.at(-1)?.[1] ?? 0).toPrecision(3)))}`));
  const right = width - 30 - Math.max(...labels.map(textWidth));
  const xs = [...new Set(points.map(([at]) => at))].sort((a, b) => a - b);
  const [xLow = 0, xHigh = 1] = [xs[0], xs.at(-1)];
  const yTicks = linearTicks(Math.max(...points.map(([, value]) => value)), 5);
  const x = linearScale(xLow, xHigh === xLow ? xLow + 1 : xHigh, frame.left + 8, right), y = linearScale(0, yTicks.at(-1) ?? 1, frame.bottom, frame.top);
  const xTicks = xs.length <= 8 ? xs : linearTicks(xHigh, 6).filter((tick) => tick >= xLow && tick <= xHigh);
  const grid = [
    ...yTicks.map((tick) => line(frame.left, y(tick), right, y(tick), 'grid') + text(frame.left - 7, y(tick) + 4, short(tick), { anchor: 'end', role: 'tick' })),
    ...xTicks.map((tick) => line(x(tick), frame.bottom, x(tick), frame.bottom + 5, 'grid') + text(x(tick), frame.bottom + 19, short(tick), { anchor: 'middle', role: 'tick' })),
  ];
  const ends = spreadOut(series.map(({ points: p }) => y(p.at(-1)?.[1] ?? 0)));
  const coloured = series.filter(({ ideal }) => !ideal);
  const curves = series.map((s, i) => {
    const colour = s.ideal ? 'ideal' : colourOf(coloured.indexOf(s));
    const path = s.points.map(([at, value]) => `${px(x(at))},${px(y(value))}`).join(' ');
    const end = s.points.at(-1) ?? [0, 0];
    return `<polyline points="${path}" class="curve ${colour}"/>`
      + (s.ideal ? '' : s.points.map(([at, value]) =>
        `<circle cx="${px(x(at))}" cy="${px(y(value))}" r="3.5" class="${colour}"><title>${escapeHtml(`${s.name}: ${short(value)} at ${short(at)}`)}</title></circle>`).join(''))
      + line(x(end[0]) + 6, y(end[1]), right + 14, ends[i] ?? 0, 'leader')
      + (s.ideal ? '' : `<circle cx="${px(right + 19)}" cy="${px(ends[i] ?? 0)}" r="4" class="${colour}"/>`)
      + text(right + (s.ideal ? 16 : 28), (ends[i] ?? 0) + 4, labels[i] ?? '');
  });
  return svg(width, height, title, [
    ...grid, ...curves,
    text((frame.left + right) / 2, height - 8, xName, { anchor: 'middle', role: 'axis' }),
    `<text transform="translate(13 ${px((frame.top + frame.bottom) / 2)}) rotate(-90)" text-anchor="middle" class="axis">${escapeHtml(yName)}</text>`,
  ].join(''));
}

/** Moves label positions apart, keeping their order, so that none covers another. */
function spreadOut(positions: readonly number[]): number[] {
  const order = positions.map((_, i) => i).sort((a, b) => (positions[a] ?? 0) - (positions[b] ?? 0));
  const moved = [...positions];
  let least = frame.top;
  for (const i of order) {
    moved[i] = Math.max(least, positions[i] ?? 0);
    least = (moved[i] ?? 0) + lineHeight;
  }
  const excess = Math.max(0, least - lineHeight - frame.bottom);
  return moved.map((at) => at - excess);
}
