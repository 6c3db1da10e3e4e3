// SPDX-License-Identifier: Apache-2.0
// The whole road: GeoTIFFs in, finished DSM out, every process of it measured.
import { readFileSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Comparison } from '@altiplano/coordinator';
import { compareByCommand } from '../accuracy/compare-command.js';
import { type Options, UsageError } from '../harness/options.js';
import type { Findings } from '../harness/report.js';
import type { Suite, SuiteContext } from '../harness/suite.js';
import { type CachedScene, cachedScene, defaultSceneCache } from '../scenes/cached-scene.js';
import { terrainKinds } from '../scenes/options.js';
import { allowedCores, type Config, configsOf, nameOf, placesOf } from './configs.js';
import { pipelineFindings } from './findings.js';
import type { RunMeasure } from './measure-run.js';
import { measureTogether } from './measure-together.js';
import { measurePageCost } from './page-cost.js';

const resolutionM = 0.5;

export const suite: Suite = {
  summary: 'GeoTIFF pair to finished DSM: speed, scaling, memory, bytes, the cost of a million km2',
  help: `Runs altiplano (bus, store and agents as processes) on synthetic scenes and accounts for every process: CPU seconds are the operating system's sum
over the whole process tree, nats-server included. The times of stages come from the ledger; time that no stage explains is shown as such. Results are
compared with the exact truth, and the products must have the same bytes with any number of agents.

With N agents, all processes are pinned to N cores (taskset): one agent shares its core with coordinator and bus. 'free' runs may use every core.
'N separate runs' are N runs of one agent at the same time, each on a core of its own, with its own bus, store and memory. They wait for nothing, so they
show what N cores of this machine give (they still share caches, memory and the host), and what of it N agents reach.
--memory N limits each run, together with the files it reads and writes, to N MB, as a pod's limit does. The run then writes into pages that were given up
a moment before instead of new ones. On a virtual machine that hands free memory back to its host, a new page may cost ten times as much as a recycled
one; the table of memory shows both costs on this machine. Two gigabytes are enough for two agents.

Two sizes separate the constant start-up from the cost of a megapixel. Scenes are made once (about 7 core-seconds a megapixel) and kept.`,
  options: {
    size: { value: 'PX', help: 'side of the images (default: 4096; with --quick 512)' },
    small: { value: 'PX', help: 'side of the smaller images, which show the start-up (default: half of --size)' },
    terrain: { value: 'KIND', help: terrainKinds.join(', '), default: 'city' },
    agents: { value: 'N,...', help: 'numbers of agents to run with (default: 1 and the number of cores)' },
    repeats: { value: 'N', help: 'runs of each kind, in turns (default: 3; with --quick 1)' },
    memory: { value: 'MB', help: 'limit of the memory of a run and its files, by a control group (default: no limit)' },
    scenes: { value: 'DIR', help: 'where scenes are kept', default: defaultSceneCache, isPlace: true },
    out: { value: 'DIR', help: 'where runs write; removed afterwards', default: join(tmpdir(), 'altiplano-bench-pipeline'), isPlace: true },
  },
  run,
};

async function run({ options, quick, only, progress }: SuiteContext): Promise<Findings> {
  const cores = allowedCores(readFileSync('/proc/self/status', 'utf8'));
  const [size, small, repeats] = [countOf(options, 'size', quick ? 512 : 4096), countOf(options, 'small', 0), countOf(options, 'repeats', quick ? 1 : 3)];
  const sizes = [small === 0 ? Math.max(64, Math.round(size / 2)) : small, size] as const;
  const agents = [...new Set(options.text('agents') === '' ? [1, cores.length] : options.counts('agents'))].sort((a, b) => a - b);
  const terrain = terrainKinds.find((kind) => kind === options.text('terrain'));
  if (terrain === undefined) throw new UsageError(`Expected ${terrainKinds.join(', ')} for --terrain but received '${options.text('terrain')}'`);
  if (sizes[0] >= sizes[1]) throw new UsageError(`Expected --small below --size but received ${sizes[0]} and ${sizes[1]}`);
  if (Math.max(...agents) > cores.length) progress.say(`more agents than the ${cores.length} cores allowed: those runs share them`);

  const measured: (Config & { readonly scene: CachedScene; readonly runs: RunMeasure[]; readonly comparisons: Comparison[] })[] = [];
  const out = resolve(options.text('out'));
  const memoryMb = options.text('memory') === '' ? null : options.count('memory', 256);
  await mkdir(out, { recursive: true });
  const pages = measurePageCost(out, quick ? 2 ** 26 : 2 ** 30);
  // The first two are what all others are compared with.
  const work = configsOf(sizes, agents, cores, quick).filter((config, i) => i < 2 || nameOf(config).includes(only));
  try {
    for (const pxSide of sizes) {
      progress.step(0, repeats * work.length, `scene of ${pxSide} px`);
      const scene = await cachedScene(resolve(options.text('scenes')), { size: pxSide, terrain, pointingError: [3], samples: 2 }, (text) => progress.step(0, repeats * work.length, text));
      for (const config of work.filter((c) => c.size === pxSide)) measured.push({ ...config, scene, runs: [], comparisons: [] });
    }
    for (let k = 0; k < repeats; k++) {
      for (const [i, { scene, runs, comparisons, ...config }] of measured.entries()) {
        progress.step(k * measured.length + i, repeats * measured.length, nameOf(config));
        const folder = join(out, 'run');
        await rm(folder, { recursive: true, force: true });
        const shared = { images: scene.images, memoryMb, options: ['--resolution', String(resolutionM)] };
        const ended = await measureTogether(placesOf(config).map((place, n) => ({ ...shared, ...place, out: join(folder, String(n)) })));
        runs.push(...ended);
        // The bytes are the same in every run (a check): one comparison is enough.
        const [first] = ended;
        if (comparisons.length === 0 && first !== undefined) comparisons.push(await compareByCommand(first.summary.products['dsm'] ?? '', scene.truth, ['--out', folder]));
      }
    }
  } finally {
    await rm(out, { recursive: true, force: true });
  }
  return pipelineFindings(measured, { terrain, gsdM: resolutionM, isLarge: !quick, memoryMb, pages });
}

/** An option's whole number, or what holds where it wasn't given. */
const countOf = (options: Options, name: string, otherwise: number): number => (options.text(name) === '' ? otherwise : options.count(name));
