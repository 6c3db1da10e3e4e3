// SPDX-License-Identifier: Apache-2.0
import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import { temporaryFolder } from '../test/reference-data.js';
import { writeGeoTiff } from './write.js';

/** Writes with each writer under a limit of 256 KB a file, as on a disk that is full, and prints what each threw. */
const program = `
  const [index, folder] = process.argv.slice(1);
  const { createTiled, ingestImage, makeCog, writeGeoTiff, writePicture } = await import(index);
  const side = 1024;
  let state = 1;
  const noise = () => (state = Math.imul(state, 1664525) + 1013904223) >>> 16;
  const [data, source] = [Float32Array.from({ length: side * side }, noise), folder + '/source.tif'];
  const rgba = Uint8Array.from({ length: 4 * side * side }, noise);
  const shape = { width: side, height: side };
  const writers = {
    strips: (path) => writeGeoTiff(path, { ...shape, bands: [{ data }], tiled: false, compress: 'NONE' }),
    tiles: (path) => writeGeoTiff(path, { ...shape, bands: [{ data }] }),
    ...Object.fromEntries(['NONE', 'ZSTD'].map((compress) => ['pieces-' + compress, (path) => {
      const raster = createTiled(path, { ...shape, bands: [{ type: 'float32' }], compress });
      try {
        raster.writeBlock(1, 0, 0, side, side, data);
        raster.close();
      } finally {
        raster.discard();
      }
    }])),
    cog: (path) => makeCog(source, path),
    ingest: (path) => ingestImage(source, path),
    png: (path) => writePicture(path, side, side, rgba),
    jpg: (path) => writePicture(path, side, side, rgba),
  };
  const said = Object.entries(writers).map(([name, write]) => {
    try {
      write(folder + '/' + name + (name === 'jpg' || name === 'png' ? '.' + name : '.tif'));
      return [name, 'written'];
    } catch (error) {
      return [name, error.name, error.retry, error.message];
    }
  });
  console.log(JSON.stringify(said));
`;

test('a file that can\'t grow is an error of its writer, to be tried again later, and leaves nothing', async (t) => {
  const folder = temporaryFolder(t);
  writeGeoTiff(join(folder, 'source.tif'), { width: 1024, height: 1024, bands: [{ data: Float32Array.from({ length: 1 << 20 }, (_, i) => Math.imul(i, 2_246_822_519) >>> 9) }] });
  const { stdout } = await promisify(execFile)('bash', ['-c', 'ulimit -f 256 && exec "$@"', 'bash', process.execPath, '--input-type=module', '-e', program, import.meta.resolve('./index.js'), folder]);
  const said = JSON.parse(stdout) as [string, string, string, string][];
  t.is(said.length, 8);
  for (const [writer, name, retry, message] of said) t.true(name === 'RasterError' && retry === 'later', `${writer}: ${name} ${retry} ${message}`);
  t.deepEqual(readdirSync(folder), ['source.tif']);
});
