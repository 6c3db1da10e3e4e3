// SPDX-License-Identifier: Apache-2.0
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text as readText } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { writeGeoTiff } from '@altiplano/kernels/raster';
import { flatImage } from '../src/testing/flat-world.js';

const program = fileURLToPath(new URL('../../bin/altiplano.js', import.meta.url));

function altiplano(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [program, ...args], (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

const folder = await mkdtemp(join(tmpdir(), 'altiplano-command-'));
test.after.always(() => rm(folder, { recursive: true }));

/** A flat grey image with a real RPC tag. */
function image(name: string, slopeE: number, options: { north?: number; hasRpc?: boolean } = {}): string {
  const { rpc } = flatImage({ width: 400, height: 400, gsdM: 0.5, east: 501_000, north: options.north ?? 56_000, slopeE, slopeN: 0, heights: [0, 100] });
  const path = join(folder, name);
  const data = new Uint16Array(400 * 400).map((_, i) => 500 + ((i * 7919 + name.length) % 97));
  writeGeoTiff(path, { width: 400, height: 400, bands: [{ data }], ...(options.hasRpc === false ? {} : { rpc }) });
  return path;
}

const left = image('left.tif', 0.25);
const right = image('right.tif', -0.25);

test('help teaches by examples and exits 0', async (t) => {
  const { code, stdout } = await altiplano('--help');
  t.is(code, 0);
  t.regex(stdout, /altiplano run left\.tif right\.tif --out scene/);
  t.regex(stdout, /\n {2}run +make a DSM from overlapping images/);
  const ofRun = await altiplano('run', '--help');
  t.regex(ofRun.stdout, /make a DSM from overlapping images[^]*Exit codes: 0 complete, 1 failed, 2 bad usage or input, 3 partial/);
  t.deepEqual(await altiplano('help', 'run'), ofRun);
  t.deepEqual(await altiplano('help', 'tile', 'run'), await altiplano('tile', 'run', '--help'));
  t.deepEqual(await altiplano('help', 'agent'), await altiplano('agent', '--help'));
});

test('what is no command is told, also where help for it is asked, and a refusal names the help that explains it', async (t) => {
  for (const words of [['rnu'], ['help', 'rnu'], ['rnu', '--help']]) {
    const { code, stdout, stderr } = await altiplano(...words);
    t.is(code, 2);
    t.is(stdout, '');
    t.is(stderr, "error: unknown command 'rnu'\n(Did you mean run?)\n(altiplano --help lists the commands)\n");
  }
  t.regex((await altiplano('run', left, right)).stderr, /\n\(altiplano run --help explains it\)\n$/);
  t.regex((await altiplano('tile', 'run')).stderr, /\n\(altiplano tile run --help explains it\)\n$/);
  t.regex((await altiplano('agent', '--store', 'x', '--slot', '2')).stderr, /Did you mean --slots[^]*\n\(altiplano-agent --help explains it\)\n$/);
});

test('a look into a store that is not there is refused, and makes none', async (t) => {
  const gone = join(folder, 'gone-store');
  for (const command of [['scenes'], ['status', '--scene', 'x'], ['tiles', '--scene', 'x'], ['clean', '--scene', 'x'], ['cancel', '--scene', 'x']]) {
    const { code, stderr } = await altiplano(...command, '--store', gone);
    t.is(code, 2);
    t.is(stderr, `altiplano: store ${gone}: there is no such folder\n`);
  }
  await t.throwsAsync(stat(gone), { code: 'ENOENT' });
});

test('without a bus a scene is submitted and looked at all the same, and the reason is told', async (t) => {
  const nobody = ['--store', join(folder, 'submitted'), '--nats', 'nats://127.0.0.1:1'];
  const given = await altiplano('submit', left, right, '--scene-id', 'town', '--json', ...nobody);
  t.is(given.code, 0);
  t.like(JSON.parse(given.stdout), { sceneId: 'town', order: 1, pairs: 1 });
  t.regex(given.stderr, /bus nats:\/\/127\.0\.0\.1:1: connection refused; the order is in the store/);
  const { code, stdout, stderr } = await altiplano('status', '--scene', 'town', ...nobody);
  t.is(code, 0);
  t.regex(stdout, /^state +waiting$/m);
  t.regex(stdout, /^stuck +no coordinator has run on this store/m);
  t.regex(stdout, /^agents +the bus does not answer$/m);
  t.is(stderr, 'altiplano: bus nats://127.0.0.1:1: connection refused\n');
});

test('a reader that has seen enough is no failure', async (t) => {
  const child = spawn(process.execPath, [program, 'plan', left, right, '--json'], { stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.destroy();
  const stderr = readText(child.stderr);
  const [code] = await once(child, 'close');
  t.is(code, 0);
  t.is(await stderr, '');
});

test('plan prints what a run would do, as text or JSON, and writes nothing', async (t) => {
  const out = join(folder, 'planned');
  const text = await altiplano('plan', left, right, '--out', out, '--resolution', '1');
  t.is(text.code, 0, text.stderr);
  t.regex(text.stdout, /base-to-height 0\.50/);
  t.regex(text.stdout, /EPSG:32636/);
  t.regex(text.stdout, /heights +0 to 100 m/);
  t.regex(text.stdout, /level 1\/1 .* 0\.\d s core time/);
  t.regex(text.stdout, /time +about 0:02 with \d+ agents/);
  await t.throwsAsync(stat(out), { code: 'ENOENT' });
  const json = await altiplano('plan', left, right, '--json');
  const { plan, estimates } = JSON.parse(json.stdout);
  t.is(plan.pairs[0].id, '0_1');
  t.is(estimates.length, plan.levels.length);
});

test('info tells size, type and RPC', async (t) => {
  const { code, stdout } = await altiplano('info', left);
  t.is(code, 0);
  t.regex(stdout, /400 x 400/);
  t.regex(stdout, /uint16/);
  t.like(JSON.parse((await altiplano('info', left, '--json')).stdout), { type: 'uint16' });
});

test('who looks at a store that is not there makes none, and is told where the store of a run is', async (t) => {
  const gone = join(folder, 'gone-store');
  const ofRun = join(folder, 'scene');
  await mkdir(join(ofRun, '.altiplano', 'store'), { recursive: true });
  for (const [store, message] of [[gone, /gone-store: there is no such folder/], [ofRun, /products of altiplano run; its store is .*scene\/\.altiplano\/store/]] as const) {
    for (const args of [['scenes'], ['status'], ['clean', '--scene', 'town']]) {
      const { code, stderr } = await altiplano(...args, '--store', store);
      t.is(code, 2, stderr);
      t.regex(stderr, message);
    }
  }
  await t.throwsAsync(stat(gone), { code: 'ENOENT' });
  const empty = await altiplano('scenes', '--store', join(ofRun, '.altiplano', 'store'));
  t.deepEqual([empty.code, empty.stdout], [0, '']);
  t.regex(empty.stderr, /no scenes in .*; altiplano run and altiplano submit make some/);
});

test('what cannot work is refused with exit code 2 and one line that names it', async (t) => {
  const none = image('none.tif', 0, { hasRpc: false });
  const far = image('far.tif', -0.25, { north: 80_000 });
  await copyFile(left, join(folder, 'copy.tif'));
  await writeFile(join(folder, 'text.tif'), 'not a raster');
  const [lon, lat] = [33.009, 0.509];
  await writeFile(join(folder, 'swapped.json'), JSON.stringify({ type: 'Polygon', coordinates: [[[lat, lon], [lat, lon + 1e-3], [lat + 1e-3, lon], [lat, lon]]] }));
  writeGeoTiff(join(folder, 'geoid.tif'), { width: 2, height: 2, bands: [{ data: new Float32Array(4) }], crs: 'EPSG:4326', geotransform: [10, 1, 0, 50, 0, -1] });
  const cases: (readonly [RegExp, ...string[]])[] = [
    [/required option '--out <dir>'/, 'run', left, right],
    [/unknown option '--nonsense'/, 'plan', left, right, '--nonsense'],
    [/at least 2/, 'plan', left],
    [/gone\.tif/, 'plan', left, join(folder, 'gone.tif')],
    [/text\.tif/, 'plan', left, join(folder, 'text.tif')],
    [/none\.tif.* RPC/, 'plan', left, none],
    [/far\.tif: no ground in common with .*left\.tif/, 'plan', left, far],
    [/check --height-range \(the RPCs are made for 0 to 100 m\), field 'rpc'/, 'plan', left, right, '--height-range', '8000,8100'],
    [/copy\.tif: the same image as .*left\.tif/, 'plan', left, join(folder, 'copy.tif')],
    [/band 4/, 'plan', left, right, '--band', '4'],
    [/crs: EPSG:4326 .* geographic/, 'plan', left, right, '--crs', 'EPSG:4326'],
    [/crs: 'EPSG:nonsense' is not/, 'plan', left, right, '--crs', 'EPSG:nonsense'],
    [/roi: .*gone\.json/, 'plan', left, right, '--roi', join(folder, 'gone.json')],
    [/resolution: 100 m/, 'plan', left, right, '--resolution', '100'],
    [/crs: 1 m on the ground is .* m in EPSG:32619 .*leave --crs out/, 'plan', left, right, '--crs', 'EPSG:32619'],
    [/roi: no part of it .*latitude and longitude are swapped/, 'plan', left, right, '--roi', join(folder, 'swapped.json')],
    [/geoid: .*geoid\.tif has no value/, 'plan', left, right, '--geoid', join(folder, 'geoid.tif')],
    [/--tile: .*multiple of 64/, 'plan', left, right, '--tile', '100'],
    [/--set p2: /, 'plan', left, right, '--set', 'p2=300'],
    [/--set p1: expected p1 <= p2/, 'plan', left, right, '--set', 'p1=90'],
    [/--set maxDisparities: .*>=16/, 'plan', left, right, '--set', 'maxDisparities=15'],
    [/--set medianSize: expected 1, 3, 5 or 7/, 'plan', left, right, '--set', 'medianSize=2'],
    [/memory: even tiles of 64 cells need \d+ MB .*raise --memory/, 'plan', left, right, '--memory', '1'],
    [/out: .*copy\.tif is a file/, 'run', left, right, '--out', join(folder, 'copy.tif')],
    [/gone-dem\.tif/, 'plan', left, right, '--dem', join(folder, 'gone-dem.tif')],
  ];
  for (const [message, ...args] of cases) {
    const { code, stderr, stdout } = await altiplano(...args);
    t.is(code, 2, `${args.join(' ')}: ${stderr}`);
    t.regex(stderr, message, args.join(' '));
    t.is(stdout.replace(/^scene .*\n/, ''), '');
    t.notRegex(stderr, /\n +at /, 'no stack');
  }
  t.regex((await altiplano('--verbose', 'plan', left, none)).stderr, /\n +at /);
});
