// SPDX-License-Identifier: Apache-2.0
import type { Chart } from '../report.js';
import { decades, logScale, short } from './axes.js';
import { colourOf, escapeHtml, line, px, svg, text, textWidth } from './svg.js';

type Roofline = Extract<Chart, { kind: 'roofline' }>;

const width = 640, height = 400;
const frame = { left: 68, right: 624, top: 16, bottom: 352 };

/** Operations per second over operations per byte. Source: Williams, Waterman and Patterson, CACM 52(4), 2009. */
export function rooflineSvg({ title, operation, compute, bandwidth, dots }: Roofline): string {
  const highest = Math.max(...compute.map(({ perSecond }) => perSecond));
  const ridges = bandwidth.map(({ bytesPerSecond }) => highest / bytesPerSecond);
  const xTicks = decades([...dots.map(({ perByte }) => perByte), ...ridges, Math.min(...dots.map(({ perByte }) => perByte)) / 2]);
  const yTicks = decades([...dots.map(({ perSecond }) => perSecond), 2 * highest]);
  const [xLow = 1, xHigh = 10] = [xTicks[0], xTicks.at(-1)], [yLow = 1, yHigh = 10] = [yTicks[0], yTicks.at(-1)];
  const x = logScale(xLow, xHigh, frame.left, frame.right), y = logScale(yLow, yHigh, frame.bottom, frame.top);

  const grid = [
    ...xTicks.map((tick) => line(x(tick), frame.top, x(tick), frame.bottom, 'grid') + text(x(tick), frame.bottom + 17, short(tick), { anchor: 'middle', role: 'tick' })),
    ...yTicks.map((tick) => line(frame.left, y(tick), frame.right, y(tick), 'grid') + text(frame.left - 7, y(tick) + 4, short(tick), { anchor: 'end', role: 'tick' })),
  ];
  const taken: Box[] = [];
  const roofs = [
    ...compute.map(({ name, perSecond }) => {
      const from = Math.min(...bandwidth.map(({ bytesPerSecond }) => perSecond / bytesPerSecond), xHigh);
      const words = `${name}: ${short(perSecond)}/s`;
      taken.push({ left: frame.right - textWidth(words), right: frame.right, top: y(perSecond) - 16, bottom: y(perSecond) + 2 });
      return line(x(Math.max(xLow, from)), y(perSecond), frame.right, y(perSecond), 'roof') + text(frame.right - 2, y(perSecond) - 6, words, { anchor: 'end', role: 'rooflabel' });
    }),
    ...bandwidth.map(({ name, bytesPerSecond }) => {
      const from = Math.max(xLow, yLow / bytesPerSecond), to = Math.min(xHigh, highest / bytesPerSecond);
      const angle = (Math.atan2(y(to * bytesPerSecond) - y(from * bytesPerSecond), x(to) - x(from)) * 180) / Math.PI;
      const at = [x(from) + 26, y(from * bytesPerSecond) + 26 * Math.tan((angle * Math.PI) / 180) - 6] as const;
      return line(x(from), y(from * bytesPerSecond), x(to), y(to * bytesPerSecond), 'roof')
        + `<text transform="translate(${px(at[0])} ${px(at[1])}) rotate(${px(angle)})" class="rooflabel">${escapeHtml(`${name}: ${short(bytesPerSecond)}B/s`)}</text>`;
    }),
  ];
  for (const { perByte, perSecond } of dots) taken.push({ left: x(perByte) - 5, right: x(perByte) + 5, top: y(perSecond) - 5, bottom: y(perSecond) + 5 });
  const marks = dots.map(({ name, perByte, perSecond }, i) => {
    const box = place(x(perByte), y(perSecond), textWidth(name), taken);
    taken.push(box);
    return `<circle cx="${px(x(perByte))}" cy="${px(y(perSecond))}" r="5" class="${colourOf(i)}"><title>${escapeHtml(`${name}: ${short(perSecond)} a second, ${short(perByte)} a byte`)}</title></circle>`
      + text(box.left, box.bottom - 4, name);
  });
  return svg(width, height, title, [
    ...grid, ...roofs, ...marks,
    text((frame.left + frame.right) / 2, height - 8, `${operation} operated on per byte moved`, { anchor: 'middle', role: 'axis' }),
    `<text transform="translate(13 ${px((frame.top + frame.bottom) / 2)}) rotate(-90)" text-anchor="middle" class="axis">${escapeHtml(operation)} per second</text>`,
  ].join(''));
}

interface Box { readonly left: number; readonly right: number; readonly top: number; readonly bottom: number }

/** Where a dot's name hides nothing: right, left, above, below, else right. */
function place(x: number, y: number, length: number, taken: readonly Box[]): Box {
  const at = (left: number, middle: number): Box => ({ left, right: left + length, top: middle - 8, bottom: middle + 8 });
  const offers = [0, -11, 11, -22, 22].flatMap((dy) => [at(x + 9, y + dy), at(x - 9 - length, y + dy)]).concat(at(x - length / 2, y - 15), at(x - length / 2, y + 15));
  const free = offers.find((box) => box.right <= frame.right + 8 && box.left >= frame.left && box.top >= frame.top - 10 && box.bottom <= frame.bottom
    && taken.every((other) => box.right < other.left || box.left > other.right || box.bottom < other.top || box.top > other.bottom));
  return free ?? at(x + 9, y);
}
