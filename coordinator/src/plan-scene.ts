// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { type AlignWindow, type HeightRange, type ImagePlan, InputError, type PairPlan, type ScenePlan, type SceneRequest, imageKey } from '@altiplano/protocol';
import { alignWindows } from './align-windows.js';
import { checkCrs, checkHandedness, checkPlace, checkRequest } from './check-request.js';
import { disparitiesFor } from './estimate.js';
import type { PairGround } from './ground-tiles.js';
import { levelFactors, planLevels, searchableRange } from './plan-levels.js';
import { type Ring, boundsOf, clipRing, convexHull, densify, ringArea, ringCentroid } from './polygon.js';
import { type DescribedImage, type PlanPorts, type View, footprint, geographic, heightSteps, parallax, sharedGround, transformRing, viewOf } from './view.js';

const heightSamples = 17;
const demMarginM = 100;
/** Below this a pixel of disparity is worth 40 m and more of height at half a metre. */
const leastBaseToHeight = 0.01;
const alignWindowPx = 384;
/** Side of a cell in pixels below which the points, one a pixel, don't reach all cells. */
const finestCell = 0.5;

/**
 * Turns a request into the scene's plan. Pure: all it knows of the world comes through `images` and `ports`.
 *
 * Output CRS: the request's, else the UTM zone of the first pair's common ground. Height domain: the
 * request's range, else the DEM's in the area with 100 m on both sides (its heights are above the geoid
 * where one is given), else what all images' RPCs are made for; cut to heights the pairs have common ground
 * at. Heights are metres above the ellipsoid. Whatever had to be given up is in `warnings`.
 *
 * Throws InputError naming file and field for what can't work: see check-request.ts; also images that share
 * no ground, an ROI outside of it, and a resolution far from the images'.
 */
export function planScene(request: SceneRequest, images: readonly DescribedImage[], ports: PlanPorts): ScenePlan {
  const pairIndices = request.pairs ?? images.slice(1).map((_, i): [number, number] => [0, i + 1]);
  checkRequest(request, images, pairIndices);
  const warnings: string[] = [];
  const used = images.filter((_, i) => pairIndices.some((pair) => pair.includes(i)));
  const wanted = heightDomainOf(request, used, ports, warnings);
  const stereo = pairIndices.map(([ref, sec]) => ({ ref, sec, id: `${ref}_${sec}`, images: [imageAt(images, ref), imageAt(images, sec)] as const }));

  for (const image of used) checkHandedness(ports, image, (wanted[0] + wanted[1]) / 2);
  const crs = request.crs ?? outputCrs(stereo[0]?.images ?? [], wanted, ports);
  checkCrs(ports, crs);
  const place = footprint(ports, stereo[0]?.images[0] ?? imageAt(images, 0), (wanted[0] + wanted[1]) / 2);
  checkPlace(ports, crs, ringCentroid(place), request.geoid);
  const project = (ring: Ring): Ring => transformRing(ports, geographic, crs, ring);
  const heights = heightSteps(wanted, heightSamples);
  const shared = stereo.map(({ images: [ref, sec] }) => sharedGround(ports, ref, sec, heights, project));
  stereo.forEach(({ images: [ref, sec] }, i) => {
    if ((shared[i] ?? []).some((ring) => ringArea(ring) > 0)) return;
    const narrowedBy = request.heightRange !== undefined ? '--height-range' : request.dem === undefined ? null : '--dem';
    const suspect = narrowedBy === null ? '' : `${narrowedBy} (the RPCs are made for ${metres(madeFor([ref, sec]))}), `;
    throw new InputError(`${sec.path}: no ground in common with ${ref.path} at heights ${metres(wanted)}; check ${suspect}field 'rpc' (${sec.rpcSource}, ${ref.rpcSource}) or choose other --pairs`);
  });

  const views = images.map((image) => viewOf(ports, image, crs, wanted));
  const parallaxes = stereo.map(({ ref, sec }) => parallax(viewAt(views, ref), viewAt(views, sec)));
  const baseToHeight = parallaxes.map(([e, n]) => Math.hypot(e, n));
  stereo.forEach(({ images: [ref, sec] }, i) => {
    const ratio = baseToHeight[i] ?? 0;
    if (ratio < leastBaseToHeight) throw new InputError(`${sec.path}: seen from the same direction as ${ref.path} (base-to-height ${ratio.toFixed(4)}); no heights can be had from this pair`);
  });
  const gsdM = Math.min(...stereo.map(({ ref }) => viewAt(views, ref).gsdM));
  if (request.resolution < 0.2 * gsdM || request.resolution > 64 * gsdM) {
    throw new InputError(`resolution: ${request.resolution} m doesn't suit images of ${gsdM.toFixed(2)} m; use ${(0.5 * gsdM).toFixed(2)} to ${(16 * gsdM).toFixed(1)} m`);
  }

  if (request.resolution < finestCell * gsdM) {
    warnings.push(`cells of ${request.resolution} m are finer than the images' pixels of ${gsdM.toFixed(2)} m, and some get no height; --resolution ${gsdM.toFixed(1)} suits the images`);
  }

  const roi = request.roi ? project(densify(request.roi)) : null;
  const within = (ring: Ring): Ring => (roi ? clipRing(roi, ring) : ring);
  const grounds = stereo.map(({ id }, i): PairGround => ({ pairId: id, rings: sweep(shared[i] ?? []).map(within).filter((ring) => ringArea(ring) > 0) }));
  if (grounds.every(({ rings }) => rings.length === 0)) throw new InputError(roiElsewhere(request.roi ?? [], place));

  const steepest = Math.max(...baseToHeight);
  const [minPx, most] = [Math.min(...used.flatMap(({ width, height }) => [width, height])), request.params.maxDisparities];
  const seen = seenHeights(heights, shared);
  const factors = levelFactors(minPx, disparitiesFor(seen[1] - seen[0], steepest, gsdM), most);
  const heightDomain = searchableRange(seen, steepest, gsdM * (factors[0] ?? 1), most);
  if (heightDomain[0] > seen[0]) {
    warnings.push(`heights ${metres(seen)} need more than ${most} disparities even at 1/${factors[0] ?? 1}; searching ${metres(heightDomain)} only (give --height-range or --dem)`);
  }
  const epipolarRad = Math.atan2(parallaxes[0]?.[1] ?? 0, parallaxes[0]?.[0] ?? 1);
  const refSlope = Math.max(...stereo.map(({ ref }) => Math.hypot(...viewAt(views, ref).slope)));
  const levels = planLevels({
    request, grounds, gsdM, baseToHeight: steepest, epipolarRad, refSlope, heightSpanM: heightDomain[1] - heightDomain[0],
  }, factors, ports, warnings);

  const pairs: PairPlan[] = [];
  const windows: AlignWindow[] = [];
  stereo.forEach(({ id, ref, sec }, i) => {
    const best = fullestOverlap(shared[i] ?? []);
    const overlap = boundsOf(shared[i] ?? []);
    if (overlap === null) return;
    pairs.push({ id, ref, sec, baseToHeight: baseToHeight[i] ?? 0, overlap, overlapAreaM2: ringArea(within(best)) });
    windows.push(...alignWindows(id, best, alignWindowPx * viewAt(views, ref).gsdM));
  });
  return {
    v: 1, sceneId: request.sceneId, software: ports.software, request, crs, heightDomain: [...heightDomain], levels, pairs, warnings, alignWindows: windows,
    images: images.map((image, index): ImagePlan => ({
      index, source: image.path, rpcSource: image.rpcSource, fingerprint: image.fingerprint, band: image.band, mask: image.mask,
      width: image.width, height: image.height, rpc: image.rpc, gsdM: viewAt(views, index).gsdM, key: imageKey(request.sceneId, index, contentHash(image)),
    })),
  };
}

/** Heights an RPC is made for. */
const heightsOf = (image?: DescribedImage): HeightRange => {
  const { altOff, altScale } = image?.rpc ?? { altOff: NaN, altScale: NaN };
  return [altOff - Math.abs(altScale), altOff + Math.abs(altScale)];
};

/** Heights that all of these images' RPCs are made for. */
const madeFor = (images: readonly DescribedImage[]): HeightRange =>
  [Math.max(...images.map((image) => heightsOf(image)[0])), Math.min(...images.map((image) => heightsOf(image)[1]))];

/** Heights to search: request, DEM, or RPC domains. */
function heightDomainOf(request: SceneRequest, images: readonly DescribedImage[], ports: PlanPorts, warnings: string[]): HeightRange {
  const made = madeFor(images);
  if (request.heightRange) {
    if (request.heightRange[0] < made[0] || request.heightRange[1] > made[1]) warnings.push(`--height-range ${metres(request.heightRange)} reaches outside what the RPCs are made for (${metres(made)})`);
    return request.heightRange;
  }
  if (made[0] >= made[1]) {
    throw new InputError(`${images[1]?.path ?? ''}: RPC fields 'altOff', 'altScale' (${metres(heightsOf(images[1]))}) share no heights with those of ${images[0]?.path ?? ''} (${metres(heightsOf(images[0]))}); are they of one place? If so, give --height-range`);
  }
  return request.dem === undefined ? made : demRange(request.dem, request.geoid, images, made, ports);
}

/** Lowest and highest DEM height under the images, with a margin; sampled every 50 m or so (at 65 to 1025 points along each side), so that summits count. */
function demRange(dem: string, geoid: string | undefined, images: readonly DescribedImage[], made: HeightRange, ports: PlanPorts): HeightRange {
  const box = boundsOf(images.flatMap((image) => made.map((h) => footprint(ports, image, h))));
  if (box === null) throw new InputError(`${dem}: no image to look under`);
  const sideM = 111_320 * Math.max(box.maxE - box.minE, box.maxN - box.minN);
  const n = Math.min(1025, Math.max(65, Math.ceil(sideM / 50)));
  const points = Float64Array.from(Array.from({ length: n * n }, (_, i) => [
    box.minE + ((i % n) * (box.maxE - box.minE)) / (n - 1),
    box.minN + (Math.floor(i / n) * (box.maxN - box.minN)) / (n - 1),
  ]).flat());
  const undulation = geoid === undefined ? null : ports.sampleRaster(geoid, 1, geographic, points);
  const heights = Array.from(ports.sampleRaster(dem, 1, geographic, points), (h, i) => h + (undulation?.[i] ?? 0)).filter(Number.isFinite);
  if (heights.length === 0) throw new InputError(`dem: ${dem} has no value under the images`);
  const [low, high] = heights.reduce(([a, b], h) => [Math.min(a, h), Math.max(b, h)], [Infinity, -Infinity]);
  return [low - demMarginM, high + demMarginM];
}

/** EPSG code of the UTM zone (beyond 84 N and 80 S: polar stereographic) of the images' common ground. */
function outputCrs(images: readonly DescribedImage[], range: HeightRange, ports: PlanPorts): string {
  const [a, b] = images.map((image) => footprint(ports, image, (range[0] + range[1]) / 2));
  const both = clipRing(a ?? [], b ?? []);
  const [lon, lat] = ringCentroid(both.length > 2 ? both : a ?? []);
  if (lat >= 84 || lat < -80) return lat > 0 ? 'EPSG:5041' : 'EPSG:5042';
  const zone = (((Math.floor((lon + 180) / 6) % 60) + 60) % 60) + 1;
  return `EPSG:${(lat >= 0 ? 32600 : 32700) + zone}`;
}

/** Why an ROI has no tiles: where it is, where the images are, and the usual mistake. */
function roiElsewhere(roi: Ring, seen: Ring): string {
  const boxText = (ring: Ring): string => {
    const box = boundsOf([ring]);
    return box === null ? 'nowhere' : `longitude ${box.minE.toFixed(4)} to ${box.maxE.toFixed(4)}, latitude ${box.minN.toFixed(4)} to ${box.maxN.toFixed(4)}`;
  };
  const images = boundsOf([seen]);
  const isSwapped = images !== null && roi.some(([lat, lon]) => lon >= images.minE && lon <= images.maxE && lat >= images.minN && lat <= images.maxN);
  return `roi: no part of it (${boxText(roi)}) is seen by any pair of images (around ${boxText(seen)})${isSwapped ? '; latitude and longitude are swapped: GeoJSON has longitude first' : ''}`;
}

/** The heights at which some pair has common ground, one step wider. */
function seenHeights(heights: readonly number[], shared: readonly Ring[][]): HeightRange {
  const seen = heights.map((_, k) => shared.some((rings) => ringArea(rings[k] ?? []) > 0));
  const [first, last] = [Math.max(0, seen.indexOf(true) - 1), Math.min(heights.length - 1, seen.lastIndexOf(true) + 1)];
  return [heights[first] ?? 0, heights[last] ?? 0];
}

/** What the common ground sweeps over from height to height: hulls of neighbouring steps. */
function sweep(rings: readonly Ring[]): Ring[] {
  return rings.slice(1).map((ring, k) => convexHull([...(rings[k] ?? []), ...ring]));
}

/**
 * The common ground at the height where it is largest: for crops of large scenes that is near the true
 * height, when the RPC's heights reach far beyond. Where it hardly changes, the middle height's.
 */
function fullestOverlap(rings: readonly Ring[]): Ring {
  const largest = Math.max(...rings.map(ringArea));
  const middle = (rings.length - 1) / 2;
  const good = rings.map((ring, k) => ({ ring, k })).filter(({ ring }) => ringArea(ring) >= 0.99 * largest);
  good.sort((a, b) => Math.abs(a.k - middle) - Math.abs(b.k - middle));
  return good[0]?.ring ?? [];
}

function imageAt(images: readonly DescribedImage[], index: number): DescribedImage {
  const image = images[index];
  if (!image) throw new InputError(`pairs: no image ${index}`);
  return image;
}

function viewAt(views: readonly View[], index: number): View {
  const view = views[index];
  if (!view) throw new InputError(`pairs: no image ${index}`);
  return view;
}

const metres = ([low, high]: HeightRange): string => `${low.toFixed(0)} to ${high.toFixed(0)} m`;

const contentHash = ({ fingerprint, band }: Pick<DescribedImage, 'fingerprint' | 'band'>): string =>
  createHash('sha256').update(JSON.stringify([fingerprint, band])).digest('hex').slice(0, 16);
