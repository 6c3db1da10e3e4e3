// SPDX-License-Identifier: Apache-2.0

/** Rows under headings, columns two blanks apart, as kubectl prints them; the last column isn't padded. Without rows there are only headings. */
export function textTable(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = headings.map((heading, c) => Math.max(heading.length, ...rows.map((row) => row[c]?.length ?? 0)));
  return [headings, ...rows]
    .map((row) => `${row.map((cell, c) => (c === row.length - 1 ? cell : cell.padEnd(widths[c] ?? 0))).join('  ').trimEnd()}\n`).join('');
}

/** A row for each name with its value, as kubectl describe prints them. */
export const namedRows = (rows: readonly (readonly [string, string])[]): string => rows.map(([name, value]) => `${name.padEnd(12)} ${value}\n`).join('');

/** How long ago, as kubectl says it: 42s, 12m, 5h, 3d. */
export function age(seconds: number): string {
  if (!Number.isFinite(seconds)) return '-';
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 120) return `${whole}s`;
  if (whole < 7200) return `${Math.floor(whole / 60)}m`;
  return whole < 172_800 ? `${Math.floor(whole / 3600)}h` : `${Math.floor(whole / 86_400)}d`;
}

/** Where an object of a store lies, as other programs take it: s3://bucket/prefix/key, or a path. */
export const objectUrl = (store: string, key: string): string => `${store.replace(/^file:\/\//, '').replace(/\/+$/, '')}/${key}`;
