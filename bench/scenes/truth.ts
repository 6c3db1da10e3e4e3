// SPDX-License-Identifier: Apache-2.0
import type { GridSpec } from '@altiplano/kernels';
import { topAt, traceSolids } from './objects.js';
import { groundAt } from './terrain.js';
import { type View, pixelAt, rayAt } from './view.js';
import type { World } from './world.js';

export const truthNoData = -32768;

/**
 * Fills rows [row0, row0 + count) of the truth on a grid. `dsm`: height of the highest surface over the cell's CENTRE
 * (a wall on a cell counts on the side its centre is on), no-data where no image covers the point. `visible`: bit k is 1
 * where that surface point lies on image k (pixel centres -0.5 … size - 0.5) and nothing stands between it and the
 * camera. `seen`: the DSM where image 0 and another image see the point, else no-data: what a stereo DSM can know.
 */
export function truthRows(
  world: World, views: readonly View[], grid: GridSpec, dsm: Float32Array, visible: Uint8Array, seen: Float32Array, row0: number, count: number,
): void {
  const scratch = new Float64Array(6);
  const pixel = new Float64Array(2);
  const hit = new Float64Array(1);
  for (let r = row0; r < row0 + count; r++) {
    const y = grid.originN - (r + 0.5) * grid.resolution - world.originN;
    for (let c = 0; c < grid.width; c++) {
      const x = grid.originE + (c + 0.5) * grid.resolution - world.originE;
      const z = Math.max(groundAt(world.terrain, x, y), topAt(world.solids, x, y));
      let covered = false;
      let bits = 0;
      views.forEach((view, k) => {
        pixelAt(view, x, y, z, scratch, pixel);
        const col = pixel[0] ?? 0;
        const row = pixel[1] ?? 0;
        if (!(col >= -0.5 && col <= view.width - 0.5 && row >= -0.5 && row <= view.height - 0.5)) return;
        covered = true;
        rayAt(view, col, row, scratch);
        const h = z - view.reference;
        const tx = (scratch[1] ?? 0) + 2 * (scratch[2] ?? 0) * h;
        const ty = (scratch[4] ?? 0) + 2 * (scratch[5] ?? 0) * h;
        // A micrometre up, so that a point doesn't hide itself by rounding.
        if (traceSolids(world.solids, x + tx * 1e-6, y + ty * 1e-6, z + 1e-6, tx, ty, hit) < 0) bits |= 1 << k;
      });
      const at = r * grid.width + c;
      dsm[at] = covered ? z : truthNoData;
      visible[at] = bits;
      seen[at] = (bits & 1) === 1 && bits > 1 ? z : truthNoData;
    }
  }
}
