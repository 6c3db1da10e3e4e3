// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs';
import { readFile, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { openInfo, readBands, readWindow, transformPoints, writeGeoTiff } from '@altiplano/kernels/raster';
import { dataPath } from '@altiplano/kernels/testing';
import { InputError, type ScenePlan, type TaskOutcome, imageKey } from '@altiplano/protocol';
import test, { type ExecutionContext } from 'ava';
import { tileTaskId } from './make-tasks.js';
import { noHeight, reason } from './merge-block.js';
import { openMerge } from './merge-dsm.js';
import { publishProducts } from './publish.js';
import type { ProductsRequest } from './scene-work.js';
import { openTestScene } from './testing/partial-scene.js';
import { verticalDatum } from './vertical-datum.js';
import { openTally } from './outcome-tally.js';

const surface = (e: number, n: number): number => 100 + 0.1 * (e - 640) - 0.05 * (n - 1280);
/** Published heights are whole 1024ths of a metre; half of that, and a little for float32. */
const toStep = 0.5 / 1024 + 1e-5;
const now = () => new Date('2026-01-02T03:04:05Z');

/**
 * Two tiles done, E 640 to 768, N 1280 to 1344, one dead below the first; both images look straight down on E 640 to 760, so
 * that a strip at the eastern rim is seen by none. There is a hole around (700, 1300), and nothing where the images don't see.
 */
async function scene(t: ExecutionContext, more: Partial<ScenePlan['request']> = {}): Promise<ProductsRequest> {
  const test = await openTestScene({
    tiles: [[10, 20], [11, 20], [10, 19]],
    partial: ({ iy }) => (iy === 19 ? null : (e, n) => (n < 1280 || e > 760 || Math.hypot(e - 700, n - 1300) < 4 ? null : surface(e, n))),
  });
  t.teardown(() => test.close());
  const centre = transformPoints('EPSG:32636', 'EPSG:4326', Float64Array.of(700, 1300, 701, 1301));
  const [lonOff = NaN, latOff = NaN, lon1 = NaN, lat1 = NaN] = centre;
  const zeros = Array<number>(16).fill(0);
  const one = [1, 0, 0, 0, ...zeros];
  const rpc = {
    lonOff, lonScale: 60 * (lon1 - lonOff), latOff, latScale: 60 * (lat1 - latOff), altOff: 100, altScale: 100,
    colOff: 59.5, colScale: 60, rowOff: 59.5, rowScale: 60, colNum: [0, 1, 0, 0, ...zeros], colDen: one, rowNum: [0, 0, -1, 0, ...zeros], rowDen: one,
  };
  const plan: ScenePlan = {
    ...test.plan, warnings: ['a <clipped> range'], request: { ...test.plan.request, ...more },
    images: test.plan.images.map((image) => ({ ...image, rpc, width: 120, height: 120, key: imageKey('test', image.index, 'a'), source: '/data/<b>&image.tif' })),
  };
  const picture = join(dirname(test.path), 'image.tif');
  writeGeoTiff(picture, { width: 120, height: 120, bands: [{ data: Uint16Array.from({ length: 14_400 }, (_, i) => i % 997) }] });
  await test.store.putFile(imageKey('test', 0, 'a'), picture);
  const merged = await openMerge({ ...test, plan, isDead: (id) => id === 'x10y19', path: test.path }).finish();
  const outcome = (tile: string, state: TaskOutcome['state']): TaskOutcome => ({
    v: 1, sceneId: 'test', taskId: tileTaskId(1, tile, '0_1'), kind: 'stereo', state, taskHash: '0', round: 0, attempts: 1, agent: 'a', startedAt: now().toISOString(),
    wallSeconds: 1, cpuSeconds: 1, stages: { match: 0.5 }, metrics: { matchedPixels: 5000 },
    ...(state === 'dead' ? { error: { code: 'no-good', message: 'it <broke>', stage: 'match' } } : {}),
  });
  const tally = openTally();
  for (const ended of [outcome('x10y20', 'done'), outcome('x11y20', 'done'), outcome('x10y19', 'dead')]) tally.add(ended);
  return {
    store: test.store, plan, merged, tiles: { planned: 3, done: 2, empty: 0, dead: 1 }, tally: tally.tally(),
    pointing: [{
      pairId: '0_1', model: 'shift', reason: null, correction: { col: [0, 1, 0], row: [1, 0, 1] }, correctionPx: 1.25, medianPx: 1.2, medianAfterPx: 0.1, rmsPx: 0.12,
      inliers: 90, matches: 100,
    }],
    timings: { stereo: 2, 'stereo.match': 1.5, merge: 0.5 }, outDir: join(dirname(test.path), 'out'),
  };
}

const bandOf = (path: string): Float32Array => Float32Array.from(readWindow(path, { band: 1 }).data);

test('layers are cropped to the heights, georeferenced, and agree with each other', async (t) => {
  const products = await publishProducts(await scene(t), now);
  const info = openInfo(products['dsm'] ?? '');
  t.deepEqual([info.width, info.height, info.crs], [120, 64, 'EPSG:32636']);
  t.deepEqual(info.geotransform, [640, 1, 0, 1344, 0, -1]);
  t.is(info.bands[0]?.noData, noHeight);
  t.is(info.bands[0]?.type, 'float32');
  t.like(info.metadata, { TILES_PLANNED: '3', TILES_DONE: '2', TILES_DEAD: '1', VERTICAL_DATUM: 'WGS 84 ellipsoid' });
  const [dsm, confidence, count, spread, validity] = ['dsm', 'confidence', 'count', 'spread', 'validity'].map((name) => bandOf(products[name] ?? ''));
  dsm?.forEach((height, cell) => {
    const [e, n] = [640.5 + (cell % 120), 1343.5 - Math.floor(cell / 120)];
    const isHole = Math.hypot(e - 700, n - 1300) < 4;
    t.true(isHole ? height === noHeight : Math.abs(height - surface(e, n)) < toStep, `${e}, ${n}`);
    t.is(validity?.[cell], isHole ? reason.noPoint : reason.valid);
    t.is(confidence?.[cell] === noHeight, isHole);
    t.is(spread?.[cell] === noHeight, isHole);
    t.is(count?.[cell], isHole ? 0 : 1);
  });
  t.is(openInfo(products['validity'] ?? '').bands[0]?.type, 'uint8');
  t.is(openInfo(products['validity'] ?? '').metadata['CLASS_3'], 'dead');
  t.is(openInfo(products['count'] ?? '').bands[0]?.type, 'uint16');
});

test('a ROI sets the box; outside of the images and dead tiles are told apart from holes', async (t) => {
  const corners = transformPoints('EPSG:32636', 'EPSG:4326', Float64Array.of(650, 1260, 768, 1260, 768, 1340, 650, 1340, 650, 1260));
  const roi = Array.from({ length: 5 }, (_, i): [number, number] => [corners[2 * i] ?? NaN, corners[2 * i + 1] ?? NaN]);
  const products = await publishProducts(await scene(t, { roi }), now);
  const info = openInfo(products['validity'] ?? '');
  t.deepEqual([info.width, info.height], [118, 80]);
  t.deepEqual(info.geotransform, [650, 1, 0, 1340, 0, -1]);
  const validity = bandOf(products['validity'] ?? '');
  const at = (e: number, n: number): number | undefined => validity[Math.floor(1340 - n) * 118 + Math.floor(e - 650)];
  t.is(at(655.5, 1300.5), reason.valid);
  t.is(at(700.5, 1300.5), reason.noPoint);
  t.is(at(765.5, 1300.5), reason.outside);
  t.is(at(660.5, 1265.5), reason.dead);
  t.is(at(740.5, 1265.5), reason.outside);
});

test('cells outside of a ROI polygon are empty and say so, also in the notch of a concave one', async (t) => {
  // An L: the box E 660 to 700, N 1290 to 1330 without its north-eastern quarter.
  const corners = transformPoints('EPSG:32636', 'EPSG:4326', Float64Array.of(660, 1290, 700, 1290, 700, 1310, 680, 1310, 680, 1330, 660, 1330, 660, 1290));
  const roi = Array.from({ length: 7 }, (_, i): [number, number] => [corners[2 * i] ?? NaN, corners[2 * i + 1] ?? NaN]);
  const products = await publishProducts(await scene(t, { roi }), now);
  const [validity, heights] = [bandOf(products['validity'] ?? ''), bandOf(products['dsm'] ?? '')];
  t.is(validity.length, 40 * 40);
  for (let cell = 0; cell < validity.length; cell++) {
    const [e, n] = [660.5 + (cell % 40), 1329.5 - Math.floor(cell / 40)];
    t.is(validity[cell] === reason.outsideRoi, e > 680 && n > 1310, `${e}, ${n}`);
    if (validity[cell] === reason.outsideRoi) t.true(Number.isNaN(heights[cell]) || heights[cell] === noHeight);
  }
});

test('a geoid turns ellipsoidal heights into heights above it, and the CRS says so', async (t) => {
  const request = await scene(t);
  const [lon = NaN, lat = NaN] = transformPoints('EPSG:32636', 'EPSG:4326', Float64Array.of(640, 1344));
  // N rises by 0.2 m per cell of 0.0005 degrees (55 m) eastward.
  const geoid = join(request.outDir, '..', 'us_nga_egm96_15.tif');
  writeGeoTiff(geoid, { width: 8, height: 8, crs: 'EPSG:4326', geotransform: [lon - 0.001, 0.0005, 0, lat + 0.001, 0, -0.0005], bands: [{ data: Float32Array.from({ length: 64 }, (_, i) => 20 + 0.2 * (i % 8)) }] });
  const plan = { ...request.plan, request: { ...request.plan.request, geoid } };
  const products = await publishProducts({ ...request, plan }, now);
  const info = openInfo(products['dsm'] ?? '');
  t.is(info.crs, 'EPSG:32636+5773');
  t.is(info.metadata['VERTICAL_DATUM'], 'EGM96 geoid');
  const [heights = new Float32Array(0)] = readBands(products['dsm'] ?? '');
  const lonAt = (e: number, n: number): number => transformPoints('EPSG:32636', 'EPSG:4326', Float64Array.of(e, n))[0] ?? NaN;
  for (const [col, row] of [[0, 0], [50, 20], [119, 63]] as const) {
    const [e, n] = [640.5 + col, 1343.5 - row];
    const undulation = 20 + 0.2 * ((lonAt(e, n) - (lon - 0.001)) / 0.0005 - 0.5);
    t.true(Math.abs((heights[row * 120 + col] ?? NaN) - (surface(e, n) - undulation)) < toStep);
  }
  writeGeoTiff(geoid, { width: 2, height: 2, crs: 'EPSG:4326', geotransform: [0, 1, 0, 50, 0, -1], bands: [{ data: new Float32Array(4) }] });
  await t.throwsAsync(publishProducts({ ...request, plan }, now), { instanceOf: InputError, message: /us_nga_egm96_15\.tif/ });
});

test('the undulation at Giza is what bilinear interpolation of EGM96 gives', (t) => {
  const geoid = dataPath(t.log, 'gizeh', 'egm96_15.gtx');
  if (geoid === null) return t.pass();
  const grid = { originE: 319_900, originN: 3_317_900, resolution: 0.5, width: 700, height: 300 };
  const datum = verticalDatum('EPSG:32636', grid, geoid);
  t.is(datum.crs, 'EPSG:32636+5773');
  t.true(datum.range.every((n) => Math.abs(n - 15.458) < 0.001), `${datum.range[0]}, ${datum.range[1]}`);
});

test('the STAC item names every product where it is', async (t) => {
  const request = await scene(t);
  const products = await publishProducts(request, now);
  const item = JSON.parse(await readFile(products['stac'] ?? '', 'utf8'));
  t.like(item, { type: 'Feature', stac_version: '1.1.0', id: 'test' });
  t.like(item.properties, {
    datetime: '2026-01-02T03:04:05.000Z', gsd: 1, 'proj:code': 'EPSG:32636', 'proj:shape': [64, 120], 'proj:transform': [1, 0, 640, 0, -1, 1344],
    'altiplano:tiles': { planned: 3, done: 2, empty: 0, dead: 1 },
  });
  const [ring] = item.geometry.coordinates;
  t.deepEqual(ring[0], ring.at(-1));
  const [west, south, east, north] = item.bbox;
  const [lon = NaN, lat = NaN] = transformPoints('EPSG:32636', 'EPSG:4326', Float64Array.of(700, 1312));
  t.true(west < lon && lon < east && south < lat && lat < north);
  for (const asset of Object.values<{ href: string }>(item.assets)) t.true(existsSync(join(request.outDir, asset.href)), asset.href);
  t.deepEqual(item.assets.validity.bands[0]['classification:classes'].map(({ value }: { value: number }) => value), [0, 1, 2, 3, 4]);
});

test('the report stands on its own and escapes what it shows', async (t) => {
  const request = await scene(t);
  const html = await readFile((await publishProducts(request, now))['report'] ?? '', 'utf8');
  t.false(/<script|src="(?!data:)|href="http/.test(html));
  t.true(html.includes('&lt;b&gt;&amp;image.tif') && html.includes('it &lt;broke&gt;') && html.includes('a &lt;clipped&gt; range'));
  t.false(/<b>&image|<broke>|<clipped>|NaN|undefined/.test(html.replaceAll(/data:image[^"]*/g, '')));
  t.is(html.match(/data:image\/jpeg;base64,/g)?.length, 3);
  t.true(html.length < 1e6, 'small enough to be mailed');
  t.true(html.includes('partial') && html.includes('1.25 px'));
});

test('a scene without a single height still has its products', async (t) => {
  const request = await scene(t);
  const merged = await openMerge({ ...request, level: request.plan.levels[0] ?? t.fail(), partials: () => [], path: `${request.merged.path}.empty.tif` }).finish();
  const products = await publishProducts({ ...request, merged }, now);
  t.true(bandOf(products['dsm'] ?? '').every((height) => height === noHeight));
  t.false(/NaN|undefined/.test((await readFile(products['report'] ?? '', 'utf8')).replaceAll(/data:image[^"]*/g, '')));
  t.is(JSON.parse(await readFile(products['stac'] ?? '', 'utf8')).assets.dsm.bands[0].statistics, undefined);
});

test('publishing again gives the same bytes and leaves nothing else behind', async (t) => {
  const request = await scene(t);
  const products = await publishProducts(request, now);
  const bytes = async () => Promise.all(Object.values(products).map((path) => readFile(path)));
  const first = await bytes();
  await publishProducts(request, now);
  t.deepEqual(await bytes(), first);
  t.deepEqual((await readdir(request.outDir)).sort(), [
    'confidence.tif', 'count.tif', 'dsm.json', 'dsm.tif', 'hillshade.png', 'reference.png', 'report.html', 'spread.tif', 'validity.tif',
  ]);
});
