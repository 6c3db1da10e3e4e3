// SPDX-License-Identifier: Apache-2.0
// Altiplano, s2p and CARS from the same images to a DSM, each pinned to one core.
import { existsSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Comparison } from '@altiplano/coordinator';
import { openInfo, transformPoints, writeGeoTiff } from '@altiplano/kernels/raster';
import { compareByCommand } from '../accuracy/compare-command.js';
import { measureRun } from '../pipeline/measure-run.js';
import type { TreeUse } from '../pipeline/process-tree.js';
import type { FoundPeer } from './environments.js';
import { measureCommand } from './measure-command.js';

/** Two images, and what their DSM should be. */
export interface PipelineCase {
  readonly name: string;
  readonly images: readonly [string, string];
  /** Exact truth, or another program's DSM. */
  readonly reference: string;
  readonly crs: string;
  /** About the height of the ground, metres above the ellipsoid; CARS must be told. */
  readonly heightM: number;
  readonly resolutionM: number;
  /** What s2p's configuration says beside images and resolution: its own for its own pair, else the whole image with its defaults. */
  readonly s2p: Readonly<Record<string, unknown>> & { readonly mpx: number };
}

export interface PipelineResult {
  readonly program: string;
  readonly case: string;
  readonly dsm: string;
  /** Megapixels of reference image worked on. */
  readonly mpx: number;
  readonly wallSeconds: number;
  /** All processes. */
  readonly cpuSeconds: number;
  readonly peakProcessMb: number; readonly peakTogetherMb: number;
  readonly againstReference: Comparison;
  /** Against our DSM on our cells; null for ours. */
  readonly againstOurs: Comparison | null;
}

/** A run that didn't come to a DSM, and why. */
export interface PipelineFailure { readonly program: string; readonly case: string; readonly reason: string }

const timeoutMs = 20 * 60_000;

export interface PipelineRequest { readonly pair: PipelineCase; readonly peers: readonly FoundPeer[]; readonly core: number; readonly out: string }

/** Runs us and every peer that is there, one after the other on the same core. */
export async function comparePipelines({ pair, peers, core, out }: PipelineRequest, onStep: (what: string) => void): Promise<{ results: PipelineResult[]; failures: PipelineFailure[] }> {
  onStep(`${pair.name}: Altiplano`);
  const ownOut = join(out, 'altiplano');
  const run = await measureRun({ images: pair.images, out: ownOut, agents: 1, cores: [core], memoryMb: null, options: ['--resolution', String(pair.resolutionM)] });
  const ourDsm = run.summary.products['dsm'] ?? '';
  const results: PipelineResult[] = [await resultOf('Altiplano', pair, null, {
    dsm: ourDsm, mpx: run.summary.mpx, wallSeconds: run.wallSeconds, cpuSeconds: run.tree.cpuSeconds, tree: run.tree,
  })];
  const failures: PipelineFailure[] = [];
  for (const peer of peers) {
    if ('missing' in peer || peer.name === 'opencv') continue;
    const program = `${peer.name} ${peer.version}`;
    onStep(`${pair.name}: ${program}`);
    const home = join(out, peer.name);
    await rm(home, { recursive: true, force: true });
    await mkdir(home, { recursive: true });
    const { words, dsm, mpx } = await (peer.name === 's2p' ? s2pCommand : carsCommand)(pair, home, dirname(peer.python));
    const { exitCode, output, ...used } = await measureCommand(['taskset', '-c', String(core), ...words], home, timeoutMs);
    if (exitCode !== 0 || !existsSync(dsm)) failures.push({ program, case: pair.name, reason: `exit code ${exitCode}: ${lastLine(output)}` });
    else results.push(await resultOf(program, pair, ourDsm, { dsm, mpx, ...used }));
  }
  return { results, failures };
}

/** The end of a program's last words; a command line it quotes may be very long. */
const lastLine = (output: string): string => (output.trim().split('\n').at(-1) ?? '').replace(/(?<=^.{120}).*(?=.{120}$)/, ' ... ');

interface Used { readonly dsm: string; readonly mpx: number; readonly wallSeconds: number; readonly cpuSeconds: number; readonly tree: TreeUse }

async function resultOf(program: string, pair: PipelineCase, ourDsm: string | null, { tree, ...used }: Used): Promise<PipelineResult> {
  const maps = ['--out', dirname(used.dsm)];
  return {
    program, case: pair.name, ...used,
    peakProcessMb: Math.max(...tree.processes.map(({ peakBytes }) => peakBytes)) / 2 ** 20, peakTogetherMb: tree.peakTogetherBytes / 2 ** 20,
    againstReference: await compareByCommand(used.dsm, pair.reference, maps),
    againstOurs: ourDsm === null ? null : await compareByCommand(used.dsm, ourDsm, maps),
  };
}

interface PeerCommand { readonly words: readonly string[]; readonly dsm: string; readonly mpx: number }

async function s2pCommand({ images, resolutionM, s2p: { mpx, ...more } }: PipelineCase, home: string, bin: string): Promise<PeerCommand> {
  const config = join(home, 's2p.json');
  await writeFile(config, JSON.stringify({
    out_dir: join(home, 'out'), temporary_dir: join(home, 'tmp'), images: images.map((img) => ({ img })), dsm_resolution: resolutionM, max_processes: 1, ...more,
  }));
  return { words: [join(bin, 's2p'), config], dsm: join(home, 'out', 'dsm.tif'), mpx };
}

async function carsCommand({ images, resolutionM, crs, reference, heightM }: PipelineCase, home: string, bin: string): Promise<PeerCommand> {
  const config = join(home, 'cars.json'), dem = join(home, 'dem.tif');
  writeFlatDem(dem, reference, heightM);
  await writeFile(config, JSON.stringify({
    input: { sensors: { one: { image: images[0] }, two: { image: images[1] } }, pairing: [['one', 'two']], initial_elevation: { dem } },
    orchestrator: { mode: 'sequential' },
    output: { directory: join(home, 'out'), resolution: resolutionM, epsg: Number(crs.replace('EPSG:', '')), geoid: false },
  }));
  const { width, height } = openInfo(images[0]);
  return { words: [join(bin, 'cars'), '--logtype', 'plain', config], dsm: join(home, 'out', 'dsm', 'dsm.tif'), mpx: (width * height) / 1e6 };
}

/** CARS starts its search at altitude 0 unless a DEM tells better, and finds no overlap of images of high ground: a level one, 0.05 degrees around. */
function writeFlatDem(path: string, reference: string, heightM: number): void {
  const { crs, geotransform, width, height } = openInfo(reference);
  if (crs === null || geotransform === null) throw new Error(`${reference}: no place on Earth`);
  const [e = NaN, cell = NaN, , n = NaN] = geotransform;
  const [lon = NaN, lat = NaN] = transformPoints(crs, 'OGC:CRS84', Float64Array.from([e + (width * cell) / 2, n - (height * cell) / 2]));
  const side = 100, step = 0.001;
  writeGeoTiff(path, {
    width: side, height: side, crs: 'EPSG:4326', geotransform: [lon - (side * step) / 2, step, 0, lat + (side * step) / 2, 0, -step],
    bands: [{ data: new Float32Array(side * side).fill(heightM) }],
  });
}
