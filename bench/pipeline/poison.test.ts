// SPDX-License-Identifier: Apache-2.0
// A tile whose kernel crashes takes no agent, no other tile and no byte of the rest with it.
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStore, readAttempts, readOutcome } from '@altiplano/protocol/io';
import { parseRoundKey } from '@altiplano/protocol';
import test from 'ava';
import { makeScene } from '../scenes/make-scene.js';
import { runAltiplano, runScene } from './run-altiplano.js';

const quiet = { showProgress: false };

test('a poison tile ends dead as crashed, all others are done, and once it is cured a second run completes the same bytes', async (t) => {
  t.timeout(300_000);
  const folder = await mkdtemp(join(tmpdir(), 'altiplano-poison-'));
  t.teardown(async () => {
    delete process.env['ALTIPLANO_TEST_CRASH'];
    await rm(folder, { recursive: true, force: true });
  });
  const manifest = await makeScene({ directory: folder, terrain: 'city', size: 384, pointingError: [3], seed: 12 });
  const images = manifest.views.map(({ file }) => join(folder, file));
  const args = (out: string): string[] => [...images, '--out', join(folder, out), '--scene-id', 'town', '--tile', '128', '--agents', '2', '--keep-intermediates'];

  const undisturbed = await runScene(args('undisturbed'), quiet);
  const taskIds: string[] = [];
  const clean = await openStore(join(folder, 'undisturbed', '.altiplano', 'store'));
  for await (const key of clean.list('scenes/town/ledger/')) taskIds.push(parseRoundKey('scenes/town/ledger/', key)?.taskId ?? '');
  await clean.close();
  const poison = taskIds.filter((taskId) => taskId.startsWith('stereo-')).sort()[1] ?? '';

  process.env['ALTIPLANO_TEST_CRASH'] = `${poison}:match`;
  const { exitCode, summary, stderr } = await runAltiplano(['run', ...args('poisoned')], quiet);
  t.is(exitCode, 3, stderr);
  t.regex(stderr, /^why: altiplano tiles --store \S+poisoned\/\.altiplano\/store --scene town --state dead$/m);
  t.deepEqual(summary?.tiles, { ...undisturbed.tiles, done: undisturbed.tiles.done - 1, dead: 1 });
  const store = await openStore(join(folder, 'poisoned', '.altiplano', 'store'));
  t.teardown(() => store.close());
  const [round] = await roundsOf(store.list('scenes/town/dead/'));
  t.is(round?.taskId, poison);
  if (round === undefined) return;
  const outcome = await readOutcome(store, 'town', round);
  t.like(outcome, { state: 'dead', attempts: 2, error: { code: 'crashed', class: 'crash', signal: 'SIGSEGV', stage: 'match' } });
  t.regex(outcome?.log ?? '', /:.*\/logs\/agent-\d\.log$/);
  t.like(await readAttempts(store, 'town', round), [{ class: 'vanished' }], 'the first run took its agent with it');

  delete process.env['ALTIPLANO_TEST_CRASH'];
  const cured = await runScene(args('poisoned'), quiet);
  t.is(cured.state, 'done');
  t.deepEqual(cured.tiles, undisturbed.tiles);
  const rasters = (await readdir(join(folder, 'undisturbed'))).filter((name) => name.endsWith('.tif'));
  t.true(rasters.includes('dsm.tif'));
  for (const name of rasters) {
    t.true((await readFile(join(folder, 'undisturbed', name))).equals(await readFile(join(folder, 'poisoned', name))), name);
  }

  async function roundsOf(keys: AsyncIterable<string>): Promise<NonNullable<ReturnType<typeof parseRoundKey>>[]> {
    const rounds = [];
    for await (const key of keys) rounds.push(parseRoundKey('scenes/town/dead/', key));
    return rounds.filter((of) => of !== null);
  }
});
