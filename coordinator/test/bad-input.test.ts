// SPDX-License-Identifier: Apache-2.0
// Every kind of bad input ends with a message and leaves nothing half-written; docs/bad-input.md lists them as they are.
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { mapConcurrently } from '@altiplano/protocol/io';
import { agentCases } from './bad-input/agents.js';
import { cameraCases } from './bad-input/cameras.js';
import { diskCases } from './bad-input/disks.js';
import { imageCases } from './bad-input/images.js';
import { placeCases, requestCases, runCases } from './bad-input/requests.js';
import { type Row, type TableSection, formatTable, rowsOf } from './bad-input/table.js';
import { writeImage } from './bad-input/world.js';

const page = fileURLToPath(new URL('../../../docs/bad-input.md', import.meta.url));

test('bad input ends as docs/bad-input.md says', async (t) => {
  t.timeout(1_200_000);
  const folder = await mkdtemp(join(tmpdir(), 'altiplano-bad-input-'));
  t.teardown(async () => {
    chmodSync(join(folder, 'mine'), 0o755);
    await rm(folder, { recursive: true, force: true });
  });
  writeImage(folder, 'left.tif', { slopeE: 0.25 });
  writeImage(folder, 'right.tif', { slopeE: -0.25 });
  const places = await placeCases(folder);
  t.teardown(() => places.close());
  const agents = await agentCases(folder);
  t.teardown(() => agents.close());
  const committed = process.env['UPDATE_BAD_INPUT'] === undefined ? readFileSync(page, 'utf8') : '';
  const known = rowsOf(committed);

  const sections: TableSection[] = [];
  const skipped: string[] = [];
  for (const { title, text, cases } of [imageCases(folder), cameraCases(folder), requestCases(folder), places.section, runCases(folder), diskCases(folder), ...agents.sections]) {
    const rows: (Row | null)[] = cases.map(() => null);
    await mapConcurrently(cases.map((one, i) => ({ one, i })), 2, async ({ one: { what, command, run }, i }) => {
      const ended = await run();
      if (ended === null) skipped.push(`| ${what} | \`${command}\``);
      else rows[i] = { what, command, end: ended.end, message: withoutPlace(ended.message, folder) };
    });
    sections.push({ title, text, rows: rows.map((row, i) => row ?? { what: cases[i]?.what ?? '', command: cases[i]?.command ?? '', end: 'SKIPPED', message: '' }) });
  }
  const lines = formatTable(sections).split('\n').map((line) => {
    const name = line.split(' | ').slice(0, 2).join(' | ');
    return skipped.includes(name) ? known.get(name) ?? line : line;
  });
  for (const name of skipped) t.log(`SKIPPED, NOT TESTED: ${name}: this machine gives the test no rights for it`);
  if (process.env['UPDATE_BAD_INPUT'] !== undefined) writeFileSync(page, lines.join('\n'));
  t.deepEqual(lines, (process.env['UPDATE_BAD_INPUT'] === undefined ? committed : lines.join('\n')).split('\n'));
});

/** What differs from run to run and from machine to machine. */
function withoutPlace(message: string, folder: string): string {
  return message.replaceAll(`${folder}/`, '').replaceAll(folder, '.')
    .replace(/scene-[0-9a-f]{10}/g, 'scene-...').replace(/127\.0\.0\.1:\d{2,}/g, '127.0.0.1:PORT').replace(/\/\.staging\/\S+\.part/g, '/.staging/...')
    .replace(/\/\.([\w.-]+)\.\d+\.[0-9a-f]{12}\.part/g, '/.$1.part').replace(/\.publish-[0-9a-f]+/g, '.publish-...').replace(/\.staging\/[0-9a-f-]{36}/g, '.staging/...');
}
