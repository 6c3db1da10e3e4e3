// SPDX-License-Identifier: Apache-2.0
// Other programs on the same inputs, in the same run, on the same core.
import { readFileSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { dataFolder } from '../accuracy/accuracy-case.js';
import { readCones } from '../accuracy/cones.js';
import { UsageError } from '../harness/options.js';
import type { Findings } from '../harness/report.js';
import { MissingDataError, type Suite, type SuiteContext } from '../harness/suite.js';
import { allowedCores } from '../pipeline/configs.js';
import { cachedScene, defaultSceneCache } from '../scenes/cached-scene.js';
import { type FoundPeer, defaultPeersFolder, findPeer, installPeers, peerEnvironments } from './environments.js';
import { type MatcherCase, type MatcherResult, compareMatchers, conesCase, townCase } from './matchers.js';
import { openOpenCv } from './opencv.js';
import { type PipelineCase, type PipelineFailure, type PipelineResult, comparePipelines } from './pipelines.js';
import { peerFindings } from './present.js';

export const suite: Suite = {
  summary: "OpenCV's matcher, s2p and CARS on the same inputs in the same run",
  help: `Compares matchers: OpenCV's StereoSGBM in turns with ours, one thread each, on Cones and on synthetic towns of 8 bits with exact truth. Compares whole
pipelines: altiplano, s2p and CARS (which brings Pandora and shareloc) one after the other on one core, from the same two images to a DSM of the same
resolution. Core-seconds and memory count every process that a program starts. A program that is missing on this machine, or fails, is reported as such
with the reason.

The other programs live in Python environments outside the repository (--peers DIR). --install sets them up in known versions from the Python package
index and prints every command; it takes at most a quarter of an hour for each. Without it nothing is installed. s2p needs a compiler and the headers of fftw, tiff, jpeg
and png. s2p and CARS take several minutes; --quick leaves them out. --only matchers, pipelines, cones, s2p_pair or towns runs a part.`,
  options: {
    install: { help: 'set up what is missing first' },
    peers: { value: 'DIR', help: 'where their environments are', default: defaultPeersFolder, isPlace: true },
    size: { value: 'PX', help: 'side of the synthetic scene for whole pipelines', default: '768' },
    repeats: { value: 'N', help: 'repetitions of each matcher (default: 5; with --quick 2)' },
    scenes: { value: 'DIR', help: 'where scenes are kept', default: defaultSceneCache, isPlace: true },
    out: { value: 'DIR', help: 'where runs write; removed afterwards', default: join(tmpdir(), 'altiplano-bench-peers'), isPlace: true },
  },
  run,
};

/** What can be chosen by --only: its name, and how to make it once it is wanted. */
interface Chosen<Case> { readonly name: string; readonly make: () => Case | Promise<Case> }

async function run({ options, quick, only, progress }: SuiteContext): Promise<Findings> {
  // Programs that split their own command lines at blanks are among the peers: no folder here has any.
  const folder = resolve(options.text('peers')), out = resolve(options.text('out'));
  const repeats = options.text('repeats') === '' ? (quick ? 2 : 5) : options.count('repeats');
  const wanted = <Case>(all: readonly Chosen<Case>[]): Chosen<Case>[] => all.filter(({ name }) => name.includes(only));
  const matchers = wanted(matcherCases(quick));
  const pipelines = wanted(pipelineCases(options.count('size', 128), resolve(options.text('scenes')))).filter(() => !quick);
  if (matchers.length + pipelines.length === 0) throw new UsageError(`no case matches '${only}'`);

  let peers: FoundPeer[] = [];
  for (const { name } of peerEnvironments) peers.push(await findPeer(folder, name));
  const absent = peers.flatMap((peer) => ('missing' in peer ? [peer.name] : []));
  if (options.is('install') && absent.length > 0) {
    const installed = await installPeers(folder, absent, (text) => { progress.say(text); });
    peers = peers.map((peer) => installed.find(({ name }) => name === peer.name) ?? peer);
  }

  const missing: string[] = peers.flatMap((peer) => ('missing' in peer ? [`${peer.name}: ${peer.missing}`] : []));
  const found: MatcherResult[] = [], whole: PipelineResult[] = [], failures: PipelineFailure[] = [];
  const steps = matchers.length + pipelines.length;
  await mkdir(out, { recursive: true });
  const python = peers.find(({ name }) => name === 'opencv');
  const openCv = python === undefined || 'missing' in python ? null : { plain: await openOpenCv(python.python, out), keeping: await openOpenCv(python.python, out, true) };
  const closeOpenCv = async (): Promise<void> => { await Promise.all([openCv?.plain.close(), openCv?.keeping.close()]); };
  try {
    for (const [i, { name, make }] of matchers.entries()) {
      progress.step(i, steps, name);
      const pair = await orMissing(make, missing);
      if (pair !== null) found.push(...await compareMatchers(pair, openCv, python !== undefined && 'version' in python ? python.version : '', repeats));
    }
    await closeOpenCv();
    const [core = 0] = allowedCores(readFileSync('/proc/self/status', 'utf8'));
    for (const [i, { name, make }] of pipelines.entries()) {
      progress.step(matchers.length + i, steps, name);
      const pair = await orMissing(make, missing);
      if (pair === null) continue;
      const { results, failures: failed } = await comparePipelines({ pair, peers, core, out: join(out, name.replaceAll(' ', '-')) }, (what) => progress.step(matchers.length + i, steps, what));
      whole.push(...results);
      failures.push(...failed);
    }
  } finally {
    await closeOpenCv();
    await rm(out, { recursive: true, force: true });
  }
  return peerFindings({ matchers: found, pipelines: whole, failures, missing });
}

/** A case, or null and a word about it where its data aren't here. */
async function orMissing<Case>(make: () => Case | Promise<Case>, missing: string[]): Promise<Case | null> {
  try {
    return await make();
  } catch (error) {
    if (!(error instanceof MissingDataError)) throw error;
    missing.push(error.message);
    return null;
  }
}

function matcherCases(quick: boolean): Chosen<MatcherCase>[] {
  const town = (size: number, range: number): Chosen<MatcherCase> => ({ name: `matchers town ${size} range ${range}`, make: () => townCase(size, range) });
  return [
    { name: 'matchers cones', make: () => conesCase(readCones(dataFolder('stereo_gt'))) },
    ...(quick ? [town(512, 64)] : [town(1024, 64), town(1024, 128), town(1024, 256), town(2048, 128)]),
  ];
}

function pipelineCases(size: number, scenes: string): Chosen<PipelineCase>[] {
  return [
    {
      name: 'pipelines s2p_pair',
      make: () => {
        const folder = dataFolder('s2p_pair');
        return {
          name: 's2p_pair', images: [join(folder, 'img_01.tif'), join(folder, 'img_02.tif')], reference: join(folder, 'expected_dsm.tif'),
          crs: 'EPSG:32740', heightM: 2320, resolutionM: 0.5,
          // Its own test configuration of this pair, which works on a part of the image.
          s2p: {
            mpx: 0.49, roi: { x: 150, y: 150, w: 700, h: 700 }, horizontal_margin: 20, vertical_margin: 5, tile_size: 300, disp_range_method: 'sift', msk_erosion: 0,
            '3d_filtering_r': 5, '3d_filtering_n': 50,
          },
        };
      },
    },
    {
      name: 'pipelines towns',
      make: async () => {
        const { images: [first = '', second = ''], truth, manifest } = await cachedScene(scenes, { size, terrain: 'city', pointingError: [3] });
        return {
          name: `towns ${size}`, images: [first, second], reference: truth, crs: manifest.crs, heightM: manifest.settings.altitude, resolutionM: 0.5,
          s2p: { mpx: (size * size) / 1e6, full_img: true, disp_range_method: 'sift', msk_erosion: 0 },
        };
      },
    },
  ];
}
