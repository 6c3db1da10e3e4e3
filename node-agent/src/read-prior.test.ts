// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeGeoTiff } from '@altiplano/kernels/raster';
import test from 'ava';
import { readPrior } from './read-prior.js';

const folder = mkdtempSync(join(tmpdir(), 'altiplano-prior-'));
test.after.always(() => rmSync(folder, { recursive: true, force: true }));

/** 4 x 3 cells of 10 m; low = 100 + index, high = 200 + index; cell 5 unknown. */
function prior(): string {
  const path = join(folder, 'prior.tif');
  const low = Float32Array.from({ length: 12 }, (_, i) => (i === 5 ? NaN : 100 + i));
  const high = Float32Array.from({ length: 12 }, (_, i) => (i === 5 ? NaN : 200 + i));
  writeGeoTiff(path, {
    width: 4, height: 3, crs: 'EPSG:32719', geotransform: [1000, 10, 0, 2000, 0, -10],
    bands: [{ data: low, description: 'low', noData: NaN }, { data: high, description: 'high', noData: NaN }],
  });
  return path;
}

test('a box gets its cells and one more on each side', (t) => {
  const { grid, low, high } = readPrior(prior(), { minE: 1021, maxE: 1029, minN: 1981, maxN: 1989 }, [0, 500]);
  t.deepEqual(grid, { originE: 1010, originN: 2000, resolution: 10, width: 3, height: 3 });
  t.deepEqual([...low], [101, 102, 103, 0, 106, 107, 109, 110, 111]);
  t.deepEqual([...high], [201, 202, 203, 500, 206, 207, 209, 210, 211]);
});

test('a box beyond the prior gets the whole height range', (t) => {
  const { grid, low, high } = readPrior(prior(), { minE: 5000, maxE: 5100, minN: 1900, maxN: 2000 }, [10, 20]);
  t.deepEqual([grid.width, grid.height, [...low], [...high]], [1, 1, [10], [20]]);
});
