// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { InputError } from '@altiplano/protocol';
import { z } from 'zod';

const position = z.tuple([z.number().min(-360).max(360), z.number().min(-90).max(90)], z.number());
const polygon = z.object({ type: z.literal('Polygon'), coordinates: z.array(z.array(position).min(4)).min(1) });
const multi = z.object({ type: z.literal('MultiPolygon'), coordinates: z.array(z.array(z.array(position).min(4)).min(1)).length(1, 'expected one polygon') });
const geometry = z.discriminatedUnion('type', [polygon, multi]);
const feature = z.object({ type: z.literal('Feature'), geometry });
const collection = z.object({ type: z.literal('FeatureCollection'), features: z.array(feature).length(1, 'expected one feature') });
const geojson = z.discriminatedUnion('type', [polygon, multi, feature, collection]);

/** Areas come from other formats and CRSs, too. */
const convert = (path: string): string => `; convert it: ogr2ogr -t_srs EPSG:4326 roi.geojson ${basename(path)}`;

/** The outer ring of the one polygon in a GeoJSON file (RFC 7946: longitude, latitude). Throws InputError. */
export async function readRoi(path: string): Promise<[number, number][]> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => { throw new InputError(`roi: ${path} can't be read`, cause); });
  let json: unknown;
  try {
    json = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (cause) {
    throw new InputError(`roi: ${path} is not JSON${convert(path)}`, cause);
  }
  const parsed = geojson.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const why = issue === undefined ? 'invalid' : [issue.path.join('.'), issue.message].filter((part) => part !== '').join(': ');
    const isInMetres = issue !== undefined && 'origin' in issue && issue.origin === 'number';
    throw new InputError(`roi: ${path}: expected GeoJSON with one polygon of [longitude, latitude] positions (${why})${isInMetres ? convert(path) : ''}`);
  }
  const { data } = parsed;
  const shape = data.type === 'FeatureCollection' ? data.features[0]?.geometry : data.type === 'Feature' ? data.geometry : data;
  const rings = shape?.type === 'Polygon' ? shape.coordinates : shape?.coordinates[0];
  const [outer, ...holes] = rings ?? [];
  if (!outer || holes.length > 0) throw new InputError(`roi: ${path}: expected a polygon without holes`);
  return outer.map(([lon, lat]) => [lon, lat]);
}
