// SPDX-License-Identifier: Apache-2.0
import { createServer } from 'node:http';
import { once } from 'node:events';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeGeoTiff } from '@altiplano/kernels/raster';
import { type BadInput, type Section, camera, commandCase, noise, runProgram, side, writeImage } from './world.js';

/** Requests that make no sense, and names that are none. Their files go into the folder. */
export function requestCases(folder: string): Section {
  const at = (name: string): string => join(folder, name);
  const json = (name: string, value: unknown): void => { writeFileSync(at(name), JSON.stringify(value)); };
  const { lonOff: lon, latOff: lat } = camera(-0.25);
  const square = (x: number, y: number): unknown => ({ type: 'Polygon', coordinates: [[[x, y], [x + 1e-4, y], [x + 1e-4, y + 1e-4], [x, y]]] });
  json('roi-elsewhere.json', square(10, 50));
  json('roi-swapped.json', square(lat, lon));
  json('roi-point.json', { type: 'Point', coordinates: [lon, lat] });
  json('roi-nan.json', { type: 'Polygon', coordinates: [[[lon, null], [lon, lat], [lon, lat], [lon, null]]] });
  writeFileSync(at('roi-cut.json'), '{"type":"Poly');
  const raster = (name: string, value: number, x: number, y: number): void => {
    writeGeoTiff(at(name), { width: 4, height: 4, bands: [{ data: new Float32Array(16).fill(value) }], crs: 'EPSG:4326', geotransform: [x, 0.1, 0, y, 0, -0.1] });
  };
  raster('dem-elsewhere.tif', 100, 10, 50);
  raster('dem-nan.tif', NaN, lon - 0.2, lat + 0.2);
  writeGeoTiff(at('dem-no-crs.tif'), { width: 4, height: 4, bands: [{ data: new Float32Array(16) }] });
  const plan = (what: string, rest: string) => commandCase(folder, what, `plan left.tif right.tif ${rest}`);
  const run = (what: string, rest: string) => commandCase(folder, what, `run left.tif right.tif ${rest}`);
  return {
    title: 'Requests', text: 'Refused before anything starts.', cases: [
      plan('an ROI elsewhere', '--roi roi-elsewhere.json'), plan('an ROI with latitude first', '--roi roi-swapped.json'), plan('an ROI that is a point', '--roi roi-point.json'),
      plan('an ROI without numbers', '--roi roi-nan.json'), plan('an ROI cut off', '--roi roi-cut.json'), plan('an ROI that is not there', '--roi gone.json'),
      plan('a CRS in degrees', '--crs EPSG:4326'), plan('a CRS in feet', '--crs EPSG:2264'), plan('a CRS of another zone', '--crs EPSG:32619'), plan('no CRS', '--crs EPSG:nonsense'),
      plan('a CRS in a file', '--crs /etc/passwd'),
      plan('a DEM elsewhere', '--dem dem-elsewhere.tif'), plan('a DEM of no-data', '--dem dem-nan.tif'), plan('a DEM without CRS', '--dem dem-no-crs.tif'), plan('a geoid elsewhere', '--geoid dem-elsewhere.tif'),
      plan('heights upside down', '--height-range 100,0'), plan('heights without numbers', '--height-range NaN,Infinity'), plan('a resolution of 0', '--resolution 0'),
      plan('an absurd resolution', '--resolution 1e9'), plan('an absurd tile', '--tile 64000000'), plan('no memory', '--memory 1'), plan('a parameter without bounds', '--set maxDisparities=1e9'),
      plan('images that are not there', '--pairs 0-7'), plan('an image with itself', '--pairs 0-0'),
      ...['../x', '/etc/x', 'a/b', 'A', 'a%2e', '\u00e4', 'x'.repeat(64)].map((id) =>
        ({ ...plan('a scene name that is a path or no name', `--scene-id ${id}`), command: `altiplano plan left.tif right.tif --scene-id ${id.length > 20 ? `xxx... (${id.length})` : id}` })),
      run('a store of another kind', '--out out-a --store gopher://host/x'), run('a store without a bucket', '--out out-b --store s3://'), run('an output that is a file', '--out left.tif'),
    ],
  };
}

/** Runs something with the rights of a user who is not root, though root runs the tests. */
const asNobodySpecial = ['setpriv', '--bounding-set=-dac_override,-dac_read_search', '--inh-caps=-dac_override,-dac_read_search'];

/** Places where nothing may be written or read. */
export async function placeCases(folder: string): Promise<{ readonly section: Section; close(): Promise<void> }> {
  mkdirSync(join(folder, 'mine'));
  chmodSync(join(folder, 'mine'), 0o555);
  writeImage(folder, 'secret.tif');
  chmodSync(join(folder, 'secret.tif'), 0);
  const isRoot = process.getuid?.() === 0;
  const prefix = isRoot ? asNobodySpecial : [];
  const mayDrop = !isRoot || (await runProgram('setpriv', [...asNobodySpecial.slice(1), 'true'])).code === 0;
  const limited = (one: BadInput): BadInput => ({ ...one, run: async () => (mayDrop ? one.run() : null) });

  const server = createServer((request, response) => {
    const [status, code] = request.url?.startsWith('/gone') ? [404, 'NoSuchBucket'] : [403, 'AccessDenied'];
    response.writeHead(status, { 'content-type': 'application/xml' }).end(request.method === 'HEAD' ? undefined : `<?xml version="1.0"?><Error><Code>${code}</Code><Message>no</Message></Error>`);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const env = {
    AWS_ENDPOINT_URL: `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`,
    AWS_ACCESS_KEY_ID: 'key', AWS_SECRET_ACCESS_KEY: 'secret', AWS_REGION: 'us-east-1',
  };
  const s3 = (what: string, args: string) => commandCase(folder, what, args, { env });
  const section: Section = {
    title: 'Places', text: 'Where nothing may be written or read.', cases: [
      limited(commandCase(folder, 'a folder nobody may write to', 'run left.tif right.tif --out mine/scene', { prefix })),
      limited(commandCase(folder, 'a folder nobody may write to', 'compare dem-elsewhere.tif dem-elsewhere.tif --out mine/maps', { prefix })),
      limited(commandCase(folder, 'a working directory nobody may write to', 'compare ../dem-elsewhere.tif ../dem-elsewhere.tif', { prefix: [...prefix, 'env', '-C', join(folder, 'mine')] })),
      limited(commandCase(folder, 'an image nobody may read', 'plan left.tif secret.tif', { prefix })),
      s3('a bucket that is not ours to read', 'plan s3://closed/left.tif s3://closed/right.tif'),
      s3('the same', 'compare s3://closed/dsm.tif dem-elsewhere.tif --out maps'),
      s3('a store that is not ours to write', 'run left.tif right.tif --out out-c --store s3://closed/scenes'),
      s3('no such bucket', 'plan s3://gone/left.tif s3://gone/right.tif'),
      s3('a bucket without a key', 'plan s3://bucket left.tif'),
    ],
  };
  return { section, async close() { server.closeAllConnections(); await new Promise((resolve) => { server.close(resolve); }); } };
}

/** Pairs that are planned, and in which there is nothing to match; and a scene whose store holds what it should not. */
export function runCases(folder: string): Section {
  const image = (name: string, slopeE: number, data: Uint16Array): void => { writeImage(folder, name, { slopeE, data }); };
  image('grey.tif', 0.25, new Uint16Array(side * side).fill(700));
  image('black-left.tif', 0.25, new Uint16Array(side * side));
  image('black-right.tif', -0.25, new Uint16Array(side * side));
  image('white-left.tif', 0.25, new Uint16Array(side * side).fill(65_535));
  image('white-right.tif', -0.25, new Uint16Array(side * side).fill(65_535));
  image('noise-left.tif', 0.25, noise(3, side * side));
  image('noise-right.tif', -0.25, noise(5, side * side));
  writeGeoTiff(join(folder, 'nothing.tif'), { width: side, height: side, bands: [{ data: new Uint16Array(side * side), noData: 0 }], rpc: camera(-0.25) });
  const run = (what: string, pair: string, out: string) => commandCase(folder, what, `run ${pair} --out ${out} --agents 1`);
  return {
    title: 'Runs', text: 'What is no error before it is tried.', cases: [
      run('no texture in one image', 'grey.tif right.tif', 'out-grey'),
      run('all black', 'black-left.tif black-right.tif', 'out-black'), run('all saturated', 'white-left.tif white-right.tif', 'out-white'),
      run('all no-data', 'left.tif nothing.tif', 'out-nothing'), run('two places, though the cameras agree', 'noise-left.tif noise-right.tif', 'out-noise'),
    ],
  };
}
