// SPDX-License-Identifier: Apache-2.0
import { KernelArgumentError } from './errors.js';
import { loadNative } from './native.js';
import { newBuffer } from './new-buffer.js';
import type { ImageWindow, Poly2, RectImage, RectSpec, RowExtents } from './types.js';

const native = loadNative<{
  rectify(window: ImageWindow, imageFromRect: Poly2, rect: RectSpec, extents: RowExtents | null, data: Float32Array, valid: Uint8Array): void;
}>();

/**
 * Resamples an image window into a rectified block: out(u, v) = image(imageFromRect(u, v)).
 *
 * Interpolates with 8 x 8 pixels by least-squares fractional delay weights (kernels/src/interpolation.h), rows first, then along lines
 * of constant u or v, at positions rounded to 1 / 512 px (kernels/src/rectify.h): at most 0.5 %
 * response error per axis and 0.001 px shift up to 0.6 of the Nyquist frequency, constants and ramps exactly. `valid` is 1
 * only where all pixels under the kernel are valid and inside the window; along an axis where a position falls on a whole
 * pixel the kernel is that pixel. `data` is 0 elsewhere. A float pixel that isn't finite is not valid.
 * Where `extents` are given only pixels inside of them are made; the others are not valid.
 * The same input gives the same bytes on every machine. Throws KernelArgumentError.
 */
export function rectify(window: ImageWindow, imageFromRect: Poly2, rect: RectSpec, extents: RowExtents | null = null): RectImage {
  checkWindow(window);
  checkPoly2(imageFromRect);
  for (const field of ['u0', 'v0'] as const) {
    if (!Number.isSafeInteger(rect[field])) throw new KernelArgumentError('an integer', `rect.${field}`, rect[field]);
  }
  checkSize(rect.width, 'rect.width');
  checkSize(rect.height, 'rect.height');
  if (extents !== null && extents.length !== 2 * rect.height) throw new KernelArgumentError(`${2 * rect.height} columns or null`, 'extents', extents.length);
  const data = new Float32Array(newBuffer(4 * rect.width * rect.height));
  const valid = new Uint8Array(newBuffer(rect.width * rect.height));
  native.rectify(window, imageFromRect, rect, extents, data, valid);
  return { u0: rect.u0, v0: rect.v0, width: rect.width, height: rect.height, data, valid };
}

function checkSize(size: number, field: string): void {
  if (!Number.isInteger(size) || size < 1 || size > 65_535) throw new KernelArgumentError('an integer in 1..65535', field, size);
}

function checkWindow(window: ImageWindow): void {
  const { data, mask, width, height } = window;
  checkSize(width, 'window.width');
  checkSize(height, 'window.height');
  if (!Number.isSafeInteger(window.col0)) throw new KernelArgumentError('an integer', 'window.col0', window.col0);
  if (!Number.isSafeInteger(window.row0)) throw new KernelArgumentError('an integer', 'window.row0', window.row0);
  if (data.length !== width * height) throw new KernelArgumentError(`${width * height} pixels`, 'window.data', data.length);
  if (mask !== null && mask.length !== width * height) {
    throw new KernelArgumentError(`${width * height} pixels or null`, 'window.mask', mask.length);
  }
}

function checkPoly2(poly: Poly2): void {
  if (![1, 2, 3].includes(poly.degree)) throw new KernelArgumentError('1, 2 or 3', 'imageFromRect.degree', poly.degree);
  const terms = ((poly.degree + 1) * (poly.degree + 2)) / 2;
  for (const field of ['uOff', 'uScale', 'vOff', 'vScale'] as const) {
    if (!Number.isFinite(poly[field])) throw new KernelArgumentError('a finite number', `imageFromRect.${field}`, poly[field]);
  }
  if (poly.uScale === 0 || poly.vScale === 0) throw new KernelArgumentError('other than 0', 'imageFromRect.uScale and vScale', 0);
  for (const field of ['first', 'second'] as const) {
    if (poly[field].length !== terms || !poly[field].every(Number.isFinite)) {
      throw new KernelArgumentError(`${terms} finite coefficients`, `imageFromRect.${field}`, poly[field].join(' '));
    }
  }
}
