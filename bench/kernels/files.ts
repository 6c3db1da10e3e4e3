// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { closeAll, ingestImage, type ProductLayer, readWindow, writeGeoTiff, writeProductCogs } from '@altiplano/kernels/raster';
import type { MeasurementInput, TableInput } from '../harness/report.js';
import { medianOf, spreadOf } from '../harness/statistics.js';
import { repetitions } from './plan.js';
import { texturedPair } from './textured-pair.js';

/** What the road does with files, through GDAL, in the page cache. CPU seconds of the process, the system's included. */
export interface FileTimes { readonly name: string; readonly megapixels: number; readonly bytes: number; readonly cpu: readonly number[]; readonly text: string }

/** Times them in turns; needs no network and leaves nothing behind. */
export function measureFiles(size: number, only: string): FileTimes[] {
  const folder = mkdtempSync(join(tmpdir(), 'altiplano-bench-'));
  try {
    const { ref } = texturedPair({ size, range: 32, bits: 12 });
    const [image, tiled, partial, merged, cells] = ['image.tif', 'tiled.tif', 'partial.tif', 'merged.tif', 'cells.tif'].map((name) => join(folder, name)) as [string, string, string, string, string];
    writeGeoTiff(image, { width: size, height: size, bands: [{ data: Uint16Array.from(ref) }], tiled: false, compress: 'NONE' });
    ingestImage(image, tiled);
    const heights = ref.map((grey) => grey / 16), steps = Uint16Array.from(ref, (grey) => grey / 16);
    writeGeoTiff(merged, { width: size, height: size, bands: [{ data: heights }], compress: 'NONE' });
    writeGeoTiff(cells, { width: size, height: size, bands: [steps, steps, steps].map((data) => ({ data })), compress: 'NONE' });
    const rect = { col0: size >> 3, row0: size >> 3, width: (3 * size) >> 2, height: (3 * size) >> 2 };
    const pixels = size * size;
    const runs = [
      { name: 'ingest', work: () => { ingestImage(image, tiled); }, pixels, bytes: 2 * pixels * (1 + 4 / 3), text: '12-bit strips to tiles with overviews, not compressed' },
      { name: 'read window', work: () => { readWindow(tiled, { band: 1, rect }); }, pixels: rect.width * rect.height, bytes: 2 * rect.width * rect.height, text: 'of the ingested image' },
      {
        name: 'write partial', pixels, bytes: 14 * pixels, text: 'height, weight, spread, count; strips, not compressed',
        work: () => {
          writeGeoTiff(partial, {
            width: size, height: size, bands: [heights, heights, heights, heights].map((data) => ({ data })), tiled: false, stripRows: 64, compress: 'NONE',
          });
        },
      },
      { name: 'publish', work: () => { publish(merged, cells, folder, size); }, pixels, bytes: 10 * pixels, text: 'five product COGs with overviews, DEFLATE' },
    ].filter(({ name }) => name.includes(only)).map((run) => ({ ...run, cpu: [] as number[] }));
    for (let round = 0; round <= repetitions; round++) {
      for (const run of runs) {
        const start = process.cpuUsage();
        run.work();
        const { user, system } = process.cpuUsage(start);
        if (round > 0) run.cpu.push((user + system) / 1e6);
      }
    }
    return runs.map(({ name, pixels: count, bytes, cpu, text }) => ({ name, megapixels: count / 1e6, bytes, cpu, text }));
  } finally {
    closeAll();
    rmSync(folder, { recursive: true });
  }
}

function publish(merged: string, cells: string, folder: string, size: number): void {
  const crs = 'EPSG:32719', names: readonly ProductLayer[] = ['dsm', 'confidence', 'count', 'spread', 'validity'];
  const layer = (name: ProductLayer) => ({ path: join(folder, `${name}.tif`), crs, description: name, metadata: {} });
  const [dsm, confidence, count, spread, validity] = names.map(layer) as [Layer, Layer, Layer, Layer, Layer];
  writeProductCogs({
    merged, cells, owned: Int32Array.of(0, 0, size, size, 1), rect: { col0: 0, row0: 0, width: size, height: size }, grid: { originE: 500_000, originN: 8_000_000, resolution: 0.5, width: size, height: size }, crs,
    geoid: null, roi: null, seen: [], histogram: { from: 0, to: 256, bins: 64 }, layers: { dsm, confidence, count, spread, validity },
    compress: 'DEFLATE', scratchDir: folder, threads: 1,
  });
}
interface Layer { readonly path: string; readonly crs: string; readonly description: string; readonly metadata: Readonly<Record<string, string>> }

export const fileNames = ['ingest', 'read window', 'write partial', 'publish'] as const;

export const fileTable = (times: readonly FileTimes[], size: number): TableInput => ({
  title: `Files, through GDAL, one thread: ${size} x ${size}`,
  columns: [{ name: 'kernel', align: 'left' }, { name: 'CPU ms' }, { name: '+- %' }, { name: 'ms/Mpx' }, { name: 'GB/s' }, { name: 'what', align: 'left' }],
  rows: times.map(({ name, megapixels, bytes, cpu, text }) => [
    name, (1000 * medianOf(cpu)).toFixed(1), (100 * spreadOf(cpu).relative).toFixed(1), ((1000 * medianOf(cpu)) / megapixels).toFixed(1),
    (bytes / medianOf(cpu) / 1e9).toFixed(2), text,
  ]),
  note: "CPU time of the whole process, the system's included; files stay in the page cache. GB/s: of pixels, not of what a codec makes of them.",
});

export const fileMeasurement = ({ name, megapixels, cpu }: FileTimes, size: number): MeasurementInput => ({
  name, labels: { size }, unit: 'CPU ms', better: 'lower', samples: cpu.map((seconds) => 1000 * seconds), derived: { 'ms/Mpx': (1000 * medianOf(cpu)) / megapixels },
});
