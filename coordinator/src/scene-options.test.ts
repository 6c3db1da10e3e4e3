// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { Command } from 'commander';
import { InputError } from '@altiplano/protocol';
import { readRoi } from './read-roi.js';
import { type SceneOptions, addSceneOptions, imageInputs, sceneRequest } from './scene-options.js';
import { flatPair } from './testing/flat-world.js';

function parse(...args: string[]): { images: string[]; options: SceneOptions } {
  const command = addSceneOptions(new Command('test')).exitOverride().configureOutput({ writeErr: () => undefined });
  command.parse(args, { from: 'user' });
  return { images: command.args, options: command.opts<SceneOptions>() };
}

const request = (...args: string[]) => sceneRequest(flatPair(), parse('a.tif', 'b.tif', ...args).options, null, '0.0.0+test');

test('options become a request, with defaults for the rest', (t) => {
  t.like(request(), { resolution: 0.5, memoryBudgetMb: 1500, images: [{ band: 1 }, { band: 1 }], params: { p1: 11 } });
  t.like(request('--height-range', '-20,350', '--crs', 'EPSG:32636', '--tile', '256', '--pairs', '0-1,1-0', '--set', 'p1=12', '--set', 'leftRightPx=0.5', '--scene-id', 'cairo'), {
    heightRange: [-20, 350], crs: 'EPSG:32636', tileCells: 256, pairs: [[0, 1], [1, 0]], params: { p1: 12, leftRightPx: 0.5 }, sceneId: 'cairo',
  });
});

test('the same request has the same scene id, another one another', (t) => {
  t.is(request().sceneId, request().sceneId);
  t.regex(request().sceneId, /^scene-[0-9a-f]{10}$/);
  const ids = [request(), request('--resolution', '1'), request('--set', 'p2=60'), request('--height-range', '0,1')].map(({ sceneId }) => sceneId);
  t.is(new Set(ids).size, ids.length);
  const [a, b] = flatPair();
  if (!a || !b) return t.fail();
  t.not(sceneRequest([a, { ...b, fingerprint: 'changed' }], parse('a.tif', 'b.tif').options, null, '0.0.0+test').sceneId, request().sceneId);
  t.not(sceneRequest([a, b], parse('a.tif', 'b.tif').options, null, '0.0.0+other').sceneId, request().sceneId, 'another program makes another scene');
});

test('band, mask and RPC are per image, by comma or repeated', (t) => {
  const { images, options } = parse('/a.tif', '/b.tif', '--band', '2', '--mask', '/m.tif', '--mask', '-', '--rpc', '-,/b.xml');
  t.deepEqual(imageInputs(images, options), [
    { path: '/a.tif', band: 2, mask: '/m.tif', rpc: null }, { path: '/b.tif', band: 2, mask: null, rpc: '/b.xml' },
  ]);
  t.throws(() => imageInputs(['/a', '/b', '/c'], options), { instanceOf: InputError, message: /--mask: 2 given for 3 images/ });
  t.throws(() => imageInputs(['/a', '/b'], { ...options, band: ['0'] }), { instanceOf: InputError, message: /--band: expected a number from 1/ });
});

test('options that make no sense are refused by name', (t) => {
  for (const args of [['--height-range', '5'], ['--height-range', '9,1'], ['--resolution', '0'], ['--memory', 'much'], ['--pairs', '0:1'], ['--nonsense']]) {
    t.throws(() => parse('a', 'b', ...args), undefined, args.join(' '));
  }
  t.throws(() => request('--set', 'p9=1'), { instanceOf: InputError, message: /no parameter 'p9'/ });
  t.throws(() => request('--set', 'p1=x'), { instanceOf: InputError, message: /expected p1=NUMBER/ });
  t.throws(() => request('--set', 'p1=-3'), { instanceOf: InputError, message: /^--set p1: / });
  t.throws(() => request('--tile', '100'), { instanceOf: InputError, message: /^--tile: / });
  t.throws(() => request('--scene-id', 'Not An Id'), { instanceOf: InputError, message: /^--scene-id: / });
});

test('an ROI is one polygon of GeoJSON, bare, as feature or as collection', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'altiplano-roi-'));
  const read = async (value: unknown) => {
    await writeFile(join(dir, 'roi.json'), typeof value === 'string' ? value : JSON.stringify(value));
    return readRoi(join(dir, 'roi.json'));
  };
  try {
    const ring = [[31, 30, 12.5], [31.1, 30], [31.1, 30.1], [31, 30]];
    const expected: [number, number][] = [[31, 30], [31.1, 30], [31.1, 30.1], [31, 30]];
    const polygon = { type: 'Polygon', coordinates: [ring] };
    const feature = { type: 'Feature', properties: null, geometry: polygon };
    for (const value of [polygon, feature, { type: 'FeatureCollection', features: [feature] }, { type: 'MultiPolygon', coordinates: [[ring]] }]) t.deepEqual(await read(value), expected);
    t.deepEqual(await read(`\uFEFF${JSON.stringify(polygon)}`), expected, 'as editors on Windows write it');
    await t.throwsAsync(read('{'), { instanceOf: InputError, message: /is not JSON; convert it: ogr2ogr -t_srs EPSG:4326 roi\.geojson roi\.json$/ });
    await t.throwsAsync(read({ type: 'Point', coordinates: [1, 2] }), { instanceOf: InputError, message: /expected GeoJSON with one polygon.*'Polygon'/ });
    await t.throwsAsync(read({ type: 'FeatureCollection', features: [feature, feature] }), { instanceOf: InputError, message: /\(features: expected one feature\)$/ });
    await t.throwsAsync(read({ type: 'Polygon', coordinates: [ring, ring] }), { instanceOf: InputError, message: /without holes/ });
    await t.throwsAsync(read({ type: 'Polygon', coordinates: [[[500_000, 3_300_000], [500_100, 3_300_000], [500_100, 3_300_100], [500_000, 3_300_000]]] }), { instanceOf: InputError, message: /convert it: ogr2ogr/ });
    await t.throwsAsync(readRoi(join(dir, 'missing.json')), { instanceOf: InputError, message: /missing\.json can't be read/ });
  } finally {
    await rm(dir, { recursive: true });
  }
});
