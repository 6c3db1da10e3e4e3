// SPDX-License-Identifier: Apache-2.0
import { KernelArgumentError } from './errors.js';
import { loadNative } from './native.js';
import type { Affine, RpcModel } from './types.js';

const native = loadNative<{
  rpcProject(model: Float64Array, lonLatAlt: Float64Array): Float64Array;
  rpcLocalize(model: Float64Array, colRowAlt: Float64Array): Float64Array;
}>();

/**
 * Projects ground points to image pixels. `lonLatAlt`: N triples (degrees, degrees, metres above WGS84).
 * Returns N pairs (col, row), the centre of the first pixel is (0, 0); NaN where the model has a pole or the
 * input is not finite. Source: STDI-0002 vol. 1 app. E, RPC00B.
 */
export function rpcProject(model: RpcModel, lonLatAlt: Float64Array): Float64Array {
  return native.rpcProject(packed(model), triples(lonLatAlt, 'lonLatAlt'));
}

/**
 * The ground point each pixel sees at an altitude: the inverse of `rpcProject`, by Newton's method.
 * `colRowAlt`: N triples (pixels, pixels, metres). Returns N pairs (lon, lat) in degrees, good to about
 * 1e-9 px; NaN where it does not converge.
 */
export function rpcLocalize(model: RpcModel, colRowAlt: Float64Array): Float64Array {
  return native.rpcLocalize(packed(model), triples(colRowAlt, 'colRowAlt'));
}

/**
 * The camera of an image reduced by the factors (> 1 = fewer pixels; they need not be whole, 801 / 201 is
 * what an overview of 801 columns has): reduced col = (col + 0.5) / factorCol - 0.5.
 */
export function scaleRpc(model: RpcModel, factorCol: number, factorRow: number): RpcModel {
  checkFactors(factorCol, factorRow);
  return {
    ...model,
    colOff: (model.colOff + 0.5) / factorCol - 0.5,
    colScale: model.colScale / factorCol,
    rowOff: (model.rowOff + 0.5) / factorRow - 0.5,
    rowScale: model.rowScale / factorRow,
  };
}

/** A pixel-to-pixel affine transform of one image, for that image reduced by the factors of `scaleRpc`. */
export function scaleAffine(affine: Affine, factorCol: number, factorRow: number): Affine {
  checkFactors(factorCol, factorRow);
  // The centre of reduced pixel 0 lies at (factor - 1) / 2 in the full image.
  const col0 = (factorCol - 1) / 2;
  const row0 = (factorRow - 1) / 2;
  const at = ([c, byCol, byRow]: readonly [number, number, number]): number => c + byCol * col0 + byRow * row0;
  return {
    col: [(at(affine.col) - col0) / factorCol, affine.col[1], (affine.col[2] * factorRow) / factorCol],
    row: [(at(affine.row) - row0) / factorRow, (affine.row[1] * factorCol) / factorRow, affine.row[2]],
  };
}

function checkFactors(factorCol: number, factorRow: number): void {
  if (!(factorCol > 0 && Number.isFinite(factorCol)))
    throw new KernelArgumentError('a positive number', 'factorCol', factorCol);
  if (!(factorRow > 0 && Number.isFinite(factorRow)))
    throw new KernelArgumentError('a positive number', 'factorRow', factorRow);
}

function triples(points: Float64Array, field: string): Float64Array {
  if (points.length % 3 !== 0) throw new KernelArgumentError('triples', field, `${points.length} numbers`);
  return points;
}

/** The model as C++ has it: struct RpcModel in src/rpc.h. */
function packed(m: RpcModel): Float64Array {
  const numbers = new Float64Array(90);
  numbers.set([m.lonOff, m.lonScale, m.latOff, m.latScale, m.altOff, m.altScale, m.colOff, m.colScale, m.rowOff, m.rowScale]);
  let at = 10;
  for (const part of [m.colNum, m.colDen, m.rowNum, m.rowDen]) {
    if (part.length !== 20) throw new KernelArgumentError('20 coefficients in each polynomial', 'model', part.length);
    numbers.set(part, at);
    at += 20;
  }
  return numbers;
}
