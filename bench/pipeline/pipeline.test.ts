// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import type { Comparison, RunSummary } from '@altiplano/coordinator';
import type { RpcModel } from '@altiplano/kernels';
import { readRpc, readWindow, writeGeoTiff } from '@altiplano/kernels/raster';
import anyTest, { type TestFn } from 'ava';
import { compareByCommand } from '../accuracy/compare-command.js';
import { makeScene } from '../scenes/make-scene.js';
import type { SceneManifest } from '../scenes/manifest.js';
import type { SceneOptions } from '../scenes/options.js';
import { altiplano, runAltiplano, runScene } from './run-altiplano.js';

interface Town { readonly directory: string; readonly manifest: SceneManifest; readonly images: readonly string[] }
interface Context { folder: string; town: Town; oneAgent: { summary: RunSummary; products: ReadonlyMap<string, Buffer> } }
const test = anyTest as TestFn<Context>;

const quiet = { showProgress: false };
/** Several tiles even on a small scene. */
const tiles = ['--tile', '128'];

async function makeTown(directory: string, options: Partial<SceneOptions> = {}): Promise<Town> {
  const manifest = await makeScene({ directory, terrain: 'city', size: 384, pointingError: [3], seed: 11, ...options });
  return { directory, manifest, images: manifest.views.map((view) => join(directory, view.file)) };
}

function againstTruth(summary: RunSummary, town: Town): Promise<Comparison> {
  return compareByCommand(summary.products.dsm ?? '', join(town.directory, town.manifest.truth.seen), ['--out', join(town.directory, 'compare')]);
}

/** The bytes of every GeoTIFF product. */
async function productBytes(folder: string): Promise<ReadonlyMap<string, Buffer>> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.tif')).sort();
  return new Map(await Promise.all(names.map(async (name) => [name, await readFile(join(folder, name))] as const)));
}

/** Process ids whose command line has all of the words. */
async function processesWith(...words: readonly string[]): Promise<number[]> {
  const found: number[] = [];
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const command = await readFile(`/proc/${entry}/cmdline`, 'utf8').catch(() => '');
    const parts = command.split('\0');
    if (words.every((word) => parts.some((part) => part.includes(word))) && parts[0]?.includes('node') === true) found.push(Number(entry));
  }
  return found;
}

/** Waits until the agent has a full-resolution tile in hand, then kills it where it stands. */
async function killWithTileInHand(out: string, agent: string): Promise<void> {
  const log = join(out, '.altiplano', 'logs', `${agent}.log`);
  const hasTileInHand = async (): Promise<boolean> => {
    const last = (await readFile(log, 'utf8').catch(() => '')).trimEnd().split('\n').at(-1) ?? '';
    return last.includes('"task:started"') && last.includes('"kind":"stereo"');
  };
  let pid: number | undefined;
  for (const deadline = Date.now() + 120_000; Date.now() < deadline; await delay(5)) {
    // Known before it has a tile: to look through all processes may take longer than a tile.
    pid ??= (await processesWith('altiplano-agent', `file://${out}/`, agent))[0];
    if (pid === undefined || !(await hasTileInHand())) continue;
    // Looked at again while it stands still: it may have finished the tile meanwhile.
    process.kill(pid, 'SIGSTOP');
    if (await hasTileInHand()) {
      process.kill(pid, 'SIGKILL');
      return;
    }
    process.kill(pid, 'SIGCONT');
  }
  throw new Error(`${agent} never had a stereo tile in hand: ${log}`);
}

test.serial.before(async (t) => {
  t.timeout(300_000);
  const folder = await mkdtemp(join(tmpdir(), 'altiplano-pipeline-'));
  const town = await makeTown(join(folder, 'town'));
  const out = join(folder, 'one-agent');
  const summary = await runScene([...town.images, '--out', out, '--agents', '1', ...tiles], quiet);
  t.context = { folder, town, oneAgent: { summary, products: await productBytes(out) } };
});

test.serial.after.always(async (t) => {
  await rm(t.context.folder, { recursive: true, force: true });
});

test.serial('a town comes out right, with every planned tile accounted for', async (t) => {
  const { town, oneAgent: { summary } } = t.context;
  t.is(summary.state, 'done');
  t.true(summary.tiles.planned >= 4);
  t.is(summary.tiles.done + summary.tiles.empty + summary.tiles.dead, summary.tiles.planned);
  const comparison = await againstTruth(summary, town);
  t.true(comparison.completenessWithin1m > 0.93, `within 1 m: ${comparison.completenessWithin1m}`);
  t.true(comparison.medianAbs < 0.1, `median |error|: ${comparison.medianAbs}`);
  t.true(Math.abs(comparison.median) < 0.05, `bias: ${comparison.median}`);
  const [pointing] = summary.pointing;
  t.true(Math.abs(Math.abs(pointing?.correctionPx ?? 0) - 3) < 0.05, `3 px put in, found ${pointing?.correctionPx}`);
});

test.serial('the products are the same bytes with four agents', async (t) => {
  const { folder, town, oneAgent } = t.context;
  const out = join(folder, 'four-agents');
  await runScene([...town.images, '--out', out, '--agents', '4', ...tiles], quiet);
  const products = await productBytes(out);
  t.true(products.has('dsm.tif'));
  t.deepEqual([...products.keys()], [...oneAgent.products.keys()]);
  for (const [name, bytes] of products) t.true(bytes.equals(oneAgent.products.get(name) ?? Buffer.alloc(0)), name);
});

test.serial('a run whose reader leaves goes on to its end', async (t) => {
  const out = join(t.context.folder, 'unread');
  const run = spawn(process.execPath, [altiplano, 'run', ...t.context.town.images, ...tiles, '--out', out], { stdio: ['ignore', 'pipe', 'pipe'] });
  run.stdout.once('data', () => { run.stdout.destroy(); });
  const stderr = text(run.stderr);
  const [code] = await once(run, 'close');
  t.is(code, 0, await stderr);
  t.deepEqual(await productBytes(out), t.context.oneAgent.products);
});

test.serial('killing an agent with a tile in its hands changes nothing, and that tile ran twice', async (t) => {
  const { folder, town, oneAgent } = t.context;
  const out = join(folder, 'killed');
  await mkdir(out);
  const [summary] = await Promise.all([
    runScene([...town.images, '--out', out, '--agents', '2', '--keep-intermediates', ...tiles], quiet),
    killWithTileInHand(out, 'agent-1'),
  ]);
  t.is(summary.state, 'done');
  for (const [name, bytes] of await productBytes(out)) t.true(bytes.equals(oneAgent.products.get(name) ?? Buffer.alloc(0)), name);
  const ledger = join(out, '.altiplano', 'store', 'scenes');
  const [scene = ''] = await readdir(ledger);
  const attempts = await Promise.all((await readdir(join(ledger, scene, 'ledger'))).map(async (name) =>
    (JSON.parse(await readFile(join(ledger, scene, 'ledger', name), 'utf8')) as { attempts: number }).attempts));
  t.true(Math.max(...attempts) >= 2, 'a tile was delivered again');
  t.deepEqual(await processesWith('altiplano-agent', `file://${out}/`), [], 'no agent is left');
});

test.serial('a pointing error of 8 px across the epipolar lines is found and taken out', async (t) => {
  const town = await makeTown(join(t.context.folder, 'pointing'), { pointingError: [8] });
  const summary = await runScene([...town.images, '--out', join(t.context.folder, 'pointing-out'), ...tiles], quiet);
  t.true(Math.abs(Math.abs(summary.pointing[0]?.correctionPx ?? 0) - 8) < 0.05, `found ${summary.pointing[0]?.correctionPx}`);
  const comparison = await againstTruth(summary, town);
  t.true(comparison.completenessWithin1m > 0.93 && comparison.medianAbs < 0.1, JSON.stringify(comparison));
});

test.serial('three images are two pairs, merged into one surface', async (t) => {
  const town = await makeTown(join(t.context.folder, 'three'), { views: 3, pointingError: [2, -3] });
  const summary = await runScene([...town.images, '--out', join(t.context.folder, 'three-out'), ...tiles], quiet);
  t.deepEqual(summary.pointing.map(({ pair }) => pair), ['0_1', '0_2']);
  const comparison = await againstTruth(summary, town);
  t.true(comparison.completenessWithin1m > 0.9 && comparison.medianAbs < 0.1, JSON.stringify(comparison));
});

/** A crop of an image with its RPC moved to the crop's own pixels. */
function cropImage(path: string, out: string, col0: number, row0: number, width: number, height: number): void {
  const { model } = readRpc(path);
  const rpc: RpcModel = { ...model, colOff: model.colOff - col0, rowOff: model.rowOff - row0 };
  const { data } = readWindow(path, { band: 1, rect: { col0, row0, width, height } });
  writeGeoTiff(out, { width, height, bands: [{ data }], rpc });
}

test.serial('images that share a quarter give a quarter, and tiles without a counterpart are empty with a reason', async (t) => {
  const { folder, town: { images: [first = '', second = ''] } } = t.context;
  const crop = join(folder, 'quarter.tif');
  cropImage(second, crop, 0, 0, 384, 150);
  const out = join(folder, 'quarter-out');
  const { exitCode, summary, stderr } = await runAltiplano(['run', first, crop, '--out', out, '--keep-intermediates', ...tiles], quiet);
  t.is(exitCode, 0, stderr);
  t.is(summary?.state, 'done');
  const ledger = join(out, '.altiplano', 'store', 'scenes');
  const [scene = ''] = await readdir(ledger);
  for (const name of await readdir(join(ledger, scene, 'ledger'))) {
    const outcome = JSON.parse(await readFile(join(ledger, scene, 'ledger', name), 'utf8')) as { state: string; reason?: string };
    t.true(outcome.state === 'done' || (outcome.state === 'empty' && outcome.reason !== undefined), JSON.stringify(outcome));
  }
});

test.serial('images of different places are refused before anything starts', async (t) => {
  const { folder, town: { images: [first = ''] } } = t.context;
  const elsewhere = await makeTown(join(folder, 'elsewhere'), { size: 128, lon: -68.5 });
  const out = join(folder, 'refused');
  const { exitCode, stderr } = await runAltiplano(['run', first, elsewhere.images[0] ?? '', '--out', out], quiet);
  t.is(exitCode, 2);
  t.true(stderr.includes(first) && stderr.includes('no ground in common'), stderr);
  t.deepEqual(await readdir(out).catch(() => []), []);
});

test.serial('an image without an RPC is refused by name', async (t) => {
  const { folder, town: { images: [first = ''] } } = t.context;
  const plain = join(folder, 'plain.tif');
  writeGeoTiff(plain, { width: 64, height: 64, bands: [{ data: new Uint16Array(4096) }] });
  const { exitCode, stderr } = await runAltiplano(['run', first, plain, '--out', join(folder, 'refused')], quiet);
  t.is(exitCode, 2);
  t.true(stderr.includes(plain) && stderr.includes('RPC'), stderr);
});
