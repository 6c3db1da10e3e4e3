// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { rpcLocalize } from '@altiplano/kernels';
import { type PictureJob, crsInfo, drawPictures, transformPoints } from '@altiplano/kernels/raster';
import type { GridSpec, ScenePlan } from '@altiplano/protocol';
import type { CellRect } from './merge-block.js';
import type { MergedDsm } from './merge-dsm.js';
import { type Ring, boundsOf, densify } from './polygon.js';
import { layerNames, writeLayers } from './product-layers.js';
import { reportHtml } from './report.js';
import type { ProductsRequest } from './scene-work.js';
import { stacItem } from './stac.js';
import { verticalDatum } from './vertical-datum.js';
import { geographic, sharedGround, transformRing } from './view.js';

/**
 * Publishes a scene's merged DSM into `outDir`: the layers dsm.tif, confidence.tif, count.tif, spread.tif, validity.tif as
 * cloud-optimised GeoTIFFs, cut to the ROI (its box; cells outside of the polygon are empty) or else to the cells that have a height, heights in the datum asked for; dsm.json
 * (STAC), hillshade.png, reference.png, report.html. Every file appears whole. Returns the paths by name.
 */
export async function publishProducts(request: ProductsRequest, now: () => Date = () => new Date()): Promise<Record<string, string>> {
  const { plan, merged, tiles, tally, pointing, timings, outDir } = request;
  await mkdir(outDir, { recursive: true });
  const scratchDir = join(outDir, `.publish-${randomBytes(6).toString('hex')}`);
  await mkdir(scratchDir);
  try {
    const roi = plan.request.roi === undefined ? null : transformRing({ transformPoints }, geographic, plan.crs, densify(plan.request.roi));
    const rect = productRect(roi, merged);
    const grid = gridOf(merged.grid, rect);
    const datum = verticalDatum(plan.crs, grid, plan.request.geoid);
    const { epsg, wkt } = crsInfo(plan.crs);
    const metadata = {
      SOFTWARE: `Altiplano ${plan.software}`, SCENE: plan.sceneId,
      TILES_PLANNED: String(tiles.planned), TILES_DONE: String(tiles.done), TILES_EMPTY: String(tiles.empty), TILES_DEAD: String(tiles.dead),
    };
    const level = plan.levels.find(({ factor }) => factor === 1);
    if (level === undefined) throw new Error(`scene ${plan.sceneId} has no level at full resolution`);
    const statistics = writeLayers({ merged, level, rect, grid, crs: plan.crs, datum, seen: seenGround(plan, merged), roi, metadata, scratchDir, outDir });

    const products: Record<string, string> = Object.fromEntries(layerNames.map((name) => [name, join(outDir, `${name}.tif`)]));
    const pictures = drawProducts(request, scratchDir, products);
    const processedAt = now();
    products['stac'] = join(outDir, 'dsm.json');
    await writeWhole(products['stac'], `${JSON.stringify(stacItem({ plan, statistics, tiles, verticalDatum: datum.name, epsg, wkt, version: plan.software, processedAt }), null, 2)}\n`);
    const listed = Object.values(products);
    products['report'] = join(outDir, 'report.html');
    await writeWhole(products['report'], reportHtml({
      plan, statistics, tiles, tally, pointing, timings, verticalDatum: datum.name, version: plan.software, processedAt,
      pictures: await Promise.all(pictures.map(async ({ title, note, path }) => ({ title, note, uri: `data:image/jpeg;base64,${(await readFile(path)).toString('base64')}` }))),
      products: await Promise.all(listed.map(async (path) => ({ file: path.slice(outDir.length + 1), bytes: (await stat(path)).size }))),
    }));
    return products;
  } finally {
    await rm(scratchDir, { recursive: true, force: true });
  }
}

/** Longest side of the picture products, pixels: what a screen shows. Drawn from an overview, they take the same time for a scene of any size. */
const pictureSize = 1536;
/** The same for the report's, which are made of those and lie in it as JPEG: three of them stay below a megabyte. */
const reportPictureSize = 800;

interface Picture { readonly title: string; readonly note: string; readonly path: string }

/** Draws the picture products and adds them to `products`; returns what the report shows, small and in the scratch folder. */
function drawProducts({ store, plan, outDir }: ProductsRequest, scratchDir: string, products: Record<string, string>): Picture[] {
  const product = (name: string): { path: string } => ({ path: (products[name] = join(outDir, `${name}.png`)) });
  const small = (name: string): { path: string; maxSize: number } => ({ path: join(scratchDir, `${name}.jpg`), maxSize: reportPictureSize });
  const image = plan.images.find(({ index }) => index === plan.pairs[0]?.ref);
  const pictures: readonly (PictureJob & { readonly title: string; readonly note: string })[] = [
    {
      title: 'Digital surface model', note: 'shaded, lightness and colour rise with height',
      of: 'heights', source: join(outDir, 'dsm.tif'), maxSize: pictureSize, files: [product('hillshade'), small('hillshade')],
    },
    ...(image === undefined ? [] : [{
      title: 'Reference image', note: 'in its own geometry',
      of: 'image', source: store.gdalPath(image.key), maxSize: pictureSize, files: [product('reference'), small('reference')],
    } as const]),
    {
      title: 'Confidence', note: 'dark: low, light: high',
      of: 'image', source: join(outDir, 'confidence.tif'), maxSize: reportPictureSize, files: [small('confidence')],
    },
  ];
  drawPictures(pictures, availableParallelism());
  return pictures.map(({ title, note, files }) => ({ title, note, path: files.at(-1)?.path ?? '' }));
}

/** The grid of a rectangle of a grid's cells. */
function gridOf({ originE, originN, resolution }: GridSpec, { col0, row0, width, height }: CellRect): GridSpec {
  return { originE: originE + col0 * resolution, originN: originN - row0 * resolution, resolution, width, height };
}

/** What of the merged grid is published: the ROI's box, else the box of all heights, else everything. */
function productRect(roi: Ring | null, { grid, rect }: MergedDsm): CellRect {
  const all = { col0: 0, row0: 0, width: grid.width, height: grid.height };
  if (roi === null) return rect ?? all;
  const box = boundsOf([roi]);
  if (box === null) return all;
  const within = (value: number, most: number): number => Math.min(most, Math.max(0, value));
  // A hair inside, so that an edge on a cell's border, or bent over it by the projection, does not take the next cell.
  const hair = 1e-3;
  const col0 = within(Math.floor((box.minE - grid.originE) / grid.resolution + hair), grid.width);
  const row0 = within(Math.floor((grid.originN - box.maxN) / grid.resolution + hair), grid.height);
  const width = within(Math.ceil((box.maxE - grid.originE) / grid.resolution - hair), grid.width) - col0;
  const height = within(Math.ceil((grid.originN - box.minN) / grid.resolution - hair), grid.height) - row0;
  return width > 0 && height > 0 ? { col0, row0, width, height } : all;
}

/** The ground each pair sees at the scene's low, middle and high heights; none when there are no heights. */
function seenGround(plan: ScenePlan, { typicalHeights }: MergedDsm): Ring[] {
  return plan.pairs.flatMap(({ ref, sec }) => {
    const [a, b] = [ref, sec].map((index) => {
      const image = plan.images.find((candidate) => candidate.index === index);
      return image === undefined ? null : { ...image, path: image.source };
    });
    if (!a || !b) return [];
    return sharedGround({ rpcLocalize }, a, b, typicalHeights, (ring) => transformRing({ transformPoints }, geographic, plan.crs, ring));
  });
}

async function writeWhole(path: string, text: string): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.part`;
  await writeFile(temporary, text);
  await rename(temporary, path);
}
