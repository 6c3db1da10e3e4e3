// SPDX-License-Identifier: Apache-2.0
import { type DescribedImage, kernelPorts, planScene } from '@altiplano/coordinator';
import { type RpcModel, type ScenePlan, sceneRequestSchema } from '@altiplano/protocol';

const tileCells = 64;
const gsdM = 0.5;
const [altOff, altScale] = [500, 500];
const metresPerDegree = 111_320;

/** The real planner's plan of two made-up images over flat ground near the equator, with about `tiles` tiles at full resolution. */
export function flatPlan(sceneId: string, tiles: number): ScenePlan {
  // Tiles lie on a global grid, so one more row and column of them touches the images.
  const side = Math.max(2, Math.round(Math.sqrt(tiles) - 1)) * tileCells;
  const images = [0.15, -0.15].map((slope, i) => flatImage(`/flat/${i}.tif`, side, slope));
  const request = sceneRequestSchema.parse({
    sceneId, images: images.map(({ path }) => ({ path })), resolution: gsdM, tileCells, heightRange: [495, 505], params: {},
  });
  return planScene(request, images, { ...kernelPorts, software: 'bench-bus' });
}

/** A linear camera `slope` metres east per metre of height off the vertical; the ground at height `altOff` is the same for every slope. */
function flatImage(path: string, side: number, slope: number): DescribedImage {
  const half = ((side / 2) * gsdM) / metresPerDegree;
  const zeros = Array<number>(16).fill(0);
  const one = [1, 0, 0, 0, ...zeros];
  const rpc: RpcModel = {
    lonOff: 33, lonScale: half, latOff: 1, latScale: half, altOff, altScale, colOff: (side - 1) / 2, colScale: side / 2, rowOff: (side - 1) / 2, rowScale: side / 2,
    colNum: [0, 1, 0, -(slope * altScale) / metresPerDegree / half, ...zeros], colDen: one, rowNum: [0, 0, -1, 0, ...zeros], rowDen: one,
  };
  return { path, band: 1, mask: null, width: side, height: side, rpc, rpcSource: path, fingerprint: path };
}
