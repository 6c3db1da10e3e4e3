// SPDX-License-Identifier: Apache-2.0
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { temporaryFolder } from '../test/reference-data.js';
import { RasterError } from './errors.js';
import { bandLayout, dropCachedFile, mapBands } from './map-bands.js';
import { writeGeoTiff } from './write.js';

/** Rows that don't fill the last strip, whole strips of no-data in the middle and at the end, and a head of any length. */
test('bands written as partials are come out of a mapped file as they went in, whatever they hold', (t) => {
  const [width, height] = [33, 200];
  const bands = [0, 1, 2].map((band) => ({
    data: Float32Array.from({ length: width * height }, (_, i) => ((i >= 64 * width && i < 128 * width) || i >= 192 * width ? NaN : i + band)), noData: NaN,
  }));
  for (const text of ['', 'a', 'ab', 'abc', 'abcd', 'abcde', 'abcdef', 'abcdefg']) {
    const path = join(temporaryFolder(t), 'partial.tif');
    writeGeoTiff(path, { width, height, bands, metadata: { TEXT: `-${text}` }, tiled: false, stripRows: 64, compress: 'NONE' });
    const layout = bandLayout(path);
    if (layout === null) return t.fail('not mapped');
    const mapped = mapBands(layout);
    t.deepEqual(mapped.bands, bands.map(({ data }) => data));
    mapped.close();
    t.deepEqual(mapped.bands.map(({ length }) => length), [0, 0, 0], 'gone when closed');
  }
  return undefined;
});

test('a raster whose bands don\'t lie in one run of floats each is left to be read', (t) => {
  const folder = temporaryFolder(t);
  const data = Float32Array.from({ length: 600 * 600 }, (_, i) => i);
  const bands = [{ data }];
  const refused = (name: string, options: Partial<Parameters<typeof writeGeoTiff>[1]>): void => {
    const path = join(folder, name);
    writeGeoTiff(path, { width: 600, height: 600, bands, ...options });
    t.is(bandLayout(path), null, name);
  };
  refused('compressed.tif', { tiled: false });
  refused('tiled.tif', { tiled: true, compress: 'NONE' });
  refused('integers.tif', { bands: [{ data: Uint16Array.from(data) }], tiled: false, compress: 'NONE' });
  t.is(bandLayout(join(folder, 'integers.tif')), null);
  t.throws(() => bandLayout(join(folder, 'none.tif')), { instanceOf: RasterError, message: /none\.tif/ });
});

/** A BigTIFF of one row of 64 floats, whose pixels are said to lie at `offset`. */
function bigTiff(offset: bigint): Buffer {
  const entries = [[256, 64n], [257, 1n], [258, 32n], [259, 1n], [262, 1n], [273, offset], [277, 1n], [278, 1n], [279, 256n], [339, 3n]] as const;
  const file = Buffer.alloc(16 + 8 + 20 * entries.length + 8 + 256);
  file.write('II');
  file.writeUInt16LE(43, 2);
  file.writeUInt16LE(8, 4);
  file.writeBigUInt64LE(16n, 8);
  file.writeBigUInt64LE(BigInt(entries.length), 16);
  entries.forEach(([tag, value], i) => {
    const at = 24 + 20 * i;
    file.writeUInt16LE(tag, at);
    file.writeUInt16LE(16, at + 2);
    file.writeBigUInt64LE(1n, at + 4);
    file.writeBigUInt64LE(value, at + 12);
  });
  return file;
}

test('pixels said to lie beyond the end of their file, however far, are left to be read', (t) => {
  const path = join(temporaryFolder(t), 'far.tif');
  const layoutAt = (offset: bigint): readonly number[] | undefined => {
    writeFileSync(path, bigTiff(offset));
    return bandLayout(path)?.offsets;
  };
  const head = BigInt(bigTiff(0n).length) - 256n;
  t.deepEqual(layoutAt(head), [Number(head)]);
  t.is(layoutAt(head + 4n), undefined);
  t.is(layoutAt(2n ** 63n - 256n), undefined);
  t.is(layoutAt(2n ** 64n - 256n), undefined, 'where it ends is 0 again');
});

test('a file that is gone by the time it is mapped is named', (t) => {
  const path = join(temporaryFolder(t), 'gone.tif');
  writeFileSync(path, '');
  t.throws(() => mapBands({ path: `${path}.not`, width: 1, height: 1, offsets: [0] }), { instanceOf: RasterError, message: /gone\.tif\.not/ });
});

test('a file the system is told to drop is as it was, though it is looked at meanwhile, and one that is gone is no error', (t) => {
  const path = join(temporaryFolder(t), 'kept.tif');
  writeGeoTiff(path, { width: 64, height: 64, bands: [{ data: new Float32Array(64 * 64).fill(7) }], tiled: false, compress: 'NONE' });
  const before = readFileSync(path);
  const layout = bandLayout(path);
  if (layout === null) return t.fail('not mapped');
  const mapped = mapBands(layout);
  dropCachedFile(path);
  t.deepEqual(mapped.bands, [new Float32Array(64 * 64).fill(7)]);
  mapped.close();
  dropCachedFile(path);
  t.deepEqual(readFileSync(path), before);
  t.notThrows(() => { dropCachedFile(`${path}.not`); });
  return undefined;
});
