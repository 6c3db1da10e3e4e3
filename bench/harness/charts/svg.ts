// SPDX-License-Identifier: Apache-2.0
// Small pieces of SVG. Colours and fonts come from the page's style sheet (classes), so that one picture serves light and dark.

/** Text as HTML and SVG show it. */
export const escapeHtml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;').replaceAll("'", '&#39;');

/** Coordinates need no more than a tenth of a pixel. */
export const px = (value: number): string => String(Math.round(value * 10) / 10);

/** How many colours the style sheet has for series; more series repeat them. */
export const colours = 8;
export const colourOf = (index: number): string => `c${index % colours}`;

export function text(x: number, y: number, words: string, { anchor = 'start', role = '' }: { readonly anchor?: 'start' | 'middle' | 'end'; readonly role?: string } = {}): string {
  return `<text x="${px(x)}" y="${px(y)}"${anchor === 'start' ? '' : ` text-anchor="${anchor}"`}${role === '' ? '' : ` class="${role}"`}>${escapeHtml(words)}</text>`;
}

export const line = (x1: number, y1: number, x2: number, y2: number, role: string): string =>
  `<line x1="${px(x1)}" y1="${px(y1)}" x2="${px(x2)}" y2="${px(y2)}" class="${role}"/>`;

export const rect = (x: number, y: number, width: number, height: number, role: string, tip = ''): string =>
  `<rect x="${px(x)}" y="${px(y)}" width="${px(width)}" height="${px(height)}" class="${role}">${tip === '' ? '' : `<title>${escapeHtml(tip)}</title>`}</rect>`;

/** A picture that fills its figure; `label` is what a screen reader says. */
export const svg = (width: number, height: number, label: string, body: string): string =>
  `<svg viewBox="0 0 ${px(width)} ${px(height)}" role="img" aria-label="${escapeHtml(label)}">${body}</svg>`;

/** Letters are about this wide at the most, pixels, at the style sheet's size: fonts differ. */
const letterPx = 7;
export const textWidth = (words: string): number => letterPx * words.length;
