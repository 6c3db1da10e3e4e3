// SPDX-License-Identifier: Apache-2.0
import { type RpcModel, scaleRpc } from '@altiplano/kernels';
import { openInfo } from '@altiplano/kernels/raster';
import type { TaskImage } from '@altiplano/protocol';
import { InputError } from '@altiplano/protocol/plain';
import type { ObjectStore } from '@altiplano/protocol/io';

/** One resolution level of an ingested image: its size, its camera, and how GDAL finds its pixels. */
export interface ImageLevel {
  readonly path: string;
  /** Index of the overview; absent at full resolution. */
  readonly overview?: number;
  readonly width: number;
  readonly height: number;
  /** Full-resolution pixels per pixel of this level: not whole where the size doesn't divide (801 / 201). */
  readonly factorCol: number;
  readonly factorRow: number;
  readonly rpc: RpcModel;
}

/**
 * Finds the level of an ingested image whose reduction is `factor`. Throws InputError where the image has no
 * such overview (an image that wasn't ingested by Altiplano).
 */
export function imageLevel(store: ObjectStore, image: TaskImage, factor: number): ImageLevel {
  const path = store.gdalPath(image.key);
  if (factor === 1) return { path, width: image.width, height: image.height, factorCol: 1, factorRow: 1, rpc: image.rpc };
  const overviews = openInfo(path).overviews;
  const wanted = Math.ceil(image.width / factor);
  const overview = overviews.findIndex((level) => Math.abs(level.width - wanted) <= 1);
  const level = overviews[overview];
  if (level === undefined) {
    const has = overviews.map((o) => `${o.width}x${o.height}`).join(', ');
    throw new InputError(`${image.key}: no overview reduced by ${factor} (expected a width near ${wanted}, has ${has || 'none'}); ingest the image again`);
  }
  const factorCol = image.width / level.width;
  const factorRow = image.height / level.height;
  return { path, overview, width: level.width, height: level.height, factorCol, factorRow, rpc: scaleRpc(image.rpc, factorCol, factorRow) };
}
