// SPDX-License-Identifier: Apache-2.0
import type { CaseEnd } from './world.js';

export interface Row extends CaseEnd { readonly what: string; readonly command: string }
export interface TableSection { readonly title: string; readonly text: string; readonly rows: readonly Row[] }

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('<', '&lt;').replaceAll(/\s+/g, ' ').trim();

/** The committed page; how to make it again stands in its head. */
export function formatTable(sections: readonly TableSection[]): string {
  const count = sections.reduce((sum, { rows }) => sum + rows.length, 0);
  return [
    '# Bad input', '',
    `What becomes of ${count} kinds of broken, odd and hostile input: what the user is told, and how the program or task ends. Every row is run by`,
    '`coordinator/test/bad-input.test.ts`, which fails where this page says something else. After a wanted change:', '',
    '```', "UPDATE_BAD_INPUT=1 npx ava 'coordinator/dist/test/bad-input.test.js'", '```', '',
    'Exit codes: 0 complete, 1 failed, 2 bad usage or input, 3 partial. Texts after the last colon are often GDAL\'s own (3.6).', '',
    ...sections.flatMap(({ title, text, rows }) => [
      `## ${title}`, '', text, '', '| input | given to | ends | message |', '| --- | --- | --- | --- |',
      ...rows.map(({ what, command, end, message }) => `| ${cell(what)} | \`${command}\` | ${end} | ${cell(message)} |`), '',
    ]),
  ].join('\n');
}

/** The rows of a page by their first two columns, for cases that this machine can't run. */
export function rowsOf(page: string): Map<string, string> {
  return new Map(page.split('\n').filter((line) => line.startsWith('| ')).map((line) => [line.split(' | ').slice(0, 2).join(' | '), line]));
}
