// SPDX-License-Identifier: Apache-2.0
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { runSeeds } from './run-seeds.js';
import { scheduleOf } from './schedule.js';
import { parseSeeds, quickSeeds } from './seeds.js';
import { formatRun, replayCommand } from './summary.js';

test(`a scene comes out the same, whatever breaks (seeds ${quickSeeds})`, async (t) => {
  t.timeout(1_200_000);
  const runs = await runSeeds(parseSeeds(quickSeeds).map((seed) => scheduleOf(seed)), {
    keep: join(tmpdir(), 'altiplano-chaos'),
    onRun(run, kept) {
      t.log(formatRun(run).trimEnd());
      t.deepEqual(run.deviations, [], `${kept ?? ''}: ${replayCommand(run.schedule.seed, '')}`);
    },
  }, new AbortController().signal);
  t.true(runs.length > 0);
});
