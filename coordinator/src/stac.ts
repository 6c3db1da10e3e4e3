// SPDX-License-Identifier: Apache-2.0
import { type ProductLayer, transformPoints } from '@altiplano/kernels/raster';
import type { GridSpec, ScenePlan } from '@altiplano/protocol';
import { noHeight, reason } from './merge-block.js';
import type { LayerStatistics } from './product-layers.js';
import type { TileCounts } from './scene-result.js';

export interface StacInputs {
  readonly plan: ScenePlan;
  readonly statistics: LayerStatistics;
  readonly tiles: TileCounts;
  readonly verticalDatum: string;
  /** EPSG code of the horizontal CRS, and its WKT where it has none. */
  readonly epsg: number | null;
  readonly wkt: string;
  readonly version: string;
  /** When the products were made. */
  readonly processedAt: Date;
}

const cog = 'image/tiff; application=geotiff; profile=cloud-optimized';
const extensions = [
  'https://stac-extensions.github.io/projection/v2.0.0/schema.json',
  'https://stac-extensions.github.io/processing/v1.2.0/schema.json',
  'https://stac-extensions.github.io/raster/v2.0.0/schema.json',
  'https://stac-extensions.github.io/classification/v2.0.0/schema.json',
];
const reasonTexts: Readonly<Record<keyof typeof reason, string>> = {
  valid: 'The cell has a height', noPoint: 'No match, occluded or rejected', outside: 'Not seen by any pair', dead: 'A task of the tile failed',
  outsideRoi: 'Outside of the region of interest',
};

/**
 * The STAC item of a scene's products: STAC 1.1.0 with the projection, processing, raster and classification extensions. Hrefs
 * are relative: the item lies beside its assets. `datetime` is when the products were made:
 * images do not say in one way when they were taken.
 */
export function stacItem(inputs: StacInputs): Readonly<Record<string, unknown>> {
  const { plan, statistics, tiles, verticalDatum, epsg, wkt, version, processedAt } = inputs;
  const { grid } = statistics;
  const ring = lonLatRing(plan.crs, grid);
  const at = processedAt.toISOString();
  return {
    type: 'Feature', stac_version: '1.1.0', stac_extensions: extensions, id: plan.sceneId,
    geometry: { type: 'Polygon', coordinates: [ring] },
    bbox: [
      Math.min(...ring.map(([lon]) => lon)), Math.min(...ring.map(([, lat]) => lat)),
      Math.max(...ring.map(([lon]) => lon)), Math.max(...ring.map(([, lat]) => lat)),
    ],
    properties: {
      title: `Digital surface model ${plan.sceneId}`,
      description: `Heights above the ${verticalDatum}, from ${plan.images.length} satellite images by stereo matching.`,
      datetime: at, created: at, gsd: grid.resolution,
      'proj:code': epsg === null ? null : `EPSG:${epsg}`, ...(epsg === null ? { 'proj:wkt2': wkt } : {}),
      'proj:shape': [grid.height, grid.width],
      'proj:transform': [grid.resolution, 0, grid.originE, 0, -grid.resolution, grid.originN],
      'proj:bbox': [grid.originE, grid.originN - grid.height * grid.resolution, grid.originE + grid.width * grid.resolution, grid.originN],
      'processing:datetime': at, 'processing:software': { Altiplano: version }, 'processing:level': 'L3',
      'altiplano:vertical_datum': verticalDatum,
      'altiplano:tiles': tiles,
      'altiplano:sources': plan.images.map(({ source }) => source.split('/').at(-1)),
    },
    links: [],
    assets: assetsOf(statistics),
  };
}

function assetsOf(statistics: LayerStatistics): Record<string, unknown> {
  const [valid] = statistics.reasons;
  const percent = Number(((100 * valid) / statistics.reasons.reduce((a, b) => a + b, 0)).toFixed(3));
  const layer = (name: ProductLayer, title: string, band: Readonly<Record<string, unknown>>, roles: readonly string[]): Record<string, unknown> => ({
    href: `./${name}.tif`, type: cog, title, roles, bands: [{ name, 'raster:spatial_resolution': statistics.grid.resolution, ...band }],
  });
  const float = (unit: string | null, measured: { readonly minimum?: number; readonly mean: number; readonly maximum?: number }): Record<string, unknown> => ({
    data_type: 'float32', nodata: noHeight, ...(unit === null ? {} : { unit }),
    ...(valid > 0 ? { statistics: { ...measured, valid_percent: percent } } : {}),
  });
  return {
    dsm: layer('dsm', 'Digital surface model', float('m', { minimum: statistics.minHeight, mean: statistics.meanHeight, maximum: statistics.maxHeight }), ['data']),
    confidence: layer('confidence', 'Confidence, 0 to 1', float(null, { mean: statistics.meanConfidence }), ['data', 'quality']),
    count: layer('count', 'Points per cell', { data_type: 'uint16' }, ['data', 'quality']),
    spread: layer('spread', 'Standard deviation of the points of a cell', float('m', { mean: statistics.meanSpread, maximum: statistics.maxSpread }), ['data', 'quality']),
    validity: layer('validity', 'Why cells have no height', {
      data_type: 'uint8',
      'classification:classes': Object.entries(reasonTexts).map(([name, description]) =>
        ({ value: Object.entries(reason).find(([key]) => key === name)?.[1], name, description })),
    }, ['data', 'quality']),
    hillshade: { href: './hillshade.png', type: 'image/png', title: 'Hillshade on a colour ramp', roles: ['overview', 'thumbnail'] },
    reference: { href: './reference.png', type: 'image/png', title: 'Reference image, in its own geometry', roles: ['overview'] },
    report: { href: './report.html', type: 'text/html', title: 'Quality report', roles: ['metadata'] },
  };
}

/** The grid's outline in degrees, counter-clockwise and closed, four points a side; nine decimals are a tenth of a millimetre. */
function lonLatRing(crs: string, { originE, originN, resolution, width, height }: GridSpec): [number, number][] {
  const corners = [[0, height], [width, height], [width, 0], [0, 0]] as const;
  const xy = corners.flatMap(([col, row], side) => {
    const [nextCol, nextRow] = corners[(side + 1) % 4] ?? [col, row];
    return [0, 0.25, 0.5, 0.75].flatMap((t) => [originE + (col + t * (nextCol - col)) * resolution, originN - (row + t * (nextRow - row)) * resolution]);
  });
  const lonLat = transformPoints(crs, 'EPSG:4326', Float64Array.from([...xy, ...xy.slice(0, 2)]));
  return Array.from({ length: lonLat.length / 2 }, (_, i) => [Number(lonLat[2 * i]?.toFixed(9)), Number(lonLat[2 * i + 1]?.toFixed(9))]);
}
