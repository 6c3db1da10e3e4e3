// SPDX-License-Identifier: Apache-2.0
import type { RpcModel } from '../../lib/types.js';
import { RpcError } from '../errors.js';

/** Field names of one RPC format, as its files spell them; messages use them. */
export interface RpcFieldNames {
  readonly lonOff: string; readonly lonScale: string;
  readonly latOff: string; readonly latScale: string;
  readonly altOff: string; readonly altScale: string;
  readonly colOff: string; readonly colScale: string;
  readonly rowOff: string; readonly rowScale: string;
  readonly colNum: string; readonly colDen: string;
  readonly rowNum: string; readonly rowDen: string;
}

/** The names of NITF's RPC00B as GDAL and the text formats use them. */
export const rpc00bNames: RpcFieldNames = {
  lonOff: 'LONG_OFF', lonScale: 'LONG_SCALE', latOff: 'LAT_OFF', latScale: 'LAT_SCALE',
  altOff: 'HEIGHT_OFF', altScale: 'HEIGHT_SCALE', colOff: 'SAMP_OFF', colScale: 'SAMP_SCALE',
  rowOff: 'LINE_OFF', rowScale: 'LINE_SCALE', colNum: 'SAMP_NUM_COEFF', colDen: 'SAMP_DEN_COEFF',
  rowNum: 'LINE_NUM_COEFF', rowDen: 'LINE_DEN_COEFF',
};

/** Where a format's values are: the text of a number, and the texts of a list of coefficients; null = missing. */
export interface RpcFieldSource {
  readonly file: string;
  readonly names: RpcFieldNames;
  readonly number: (name: string) => string | null;
  readonly list: (name: string) => readonly string[] | null;
}

// Beyond the highest mountain in feet, and beyond any scene.
const mostMetres = 30_000;
const mostPixels = 1e8;
/** Degrees, metres or pixels. */
const leastScale = 1e-6;

const shown = (text: string): string => (text.length <= 40 ? text : `${text.slice(0, 40)}...`);

/**
 * The one place where an RPC is checked: nothing missing, every value a finite number, 20 coefficients each, scales not zero,
 * denominators not zero at the model's centre, offsets and scales such as the Earth and images on it have. No pixel convention is
 * changed here.
 * Throws RpcError naming file and field.
 */
export function modelFromFields({ file, names, number, list }: RpcFieldSource): RpcModel {
  const fail = (field: string, problem: string): never => { throw new RpcError(file, field, problem); };
  const value = (name: string): number => {
    const text = number(name);
    if (text === null) return fail(name, 'is missing: take the RPC file of the original product');
    return finite(text, name);
  };
  const finite = (text: string, name: string): number => {
    // "1821.5 pixels": text forms may carry a unit.
    const [first = '', ...units] = text.trim().split(/\s+/);
    const parsed = Number(first);
    if (first === '' || !Number.isFinite(parsed) || units.length > 1) {
      return fail(name, `is '${shown(text.trim())}', not a finite number: take the RPC file of the original product`);
    }
    return parsed;
  };
  const scale = (name: string, most: number): number => {
    const parsed = value(name);
    if (parsed === 0) return fail(name, 'is 0, but a scale must not be: the RPC was not filled in');
    const size = Math.abs(parsed);
    return size >= leastScale && size <= most ? parsed : fail(name, `is ${parsed}, but no image has a scale beyond ${leastScale} to ${most}`);
  };
  const coefficients = (name: string): number[] => {
    const texts = list(name);
    if (texts === null) return fail(name, 'is missing: take the RPC file of the original product');
    if (texts.length !== 20) return fail(name, `has ${texts.length} coefficients instead of 20: the file is cut or of another kind`);
    return texts.map((text, index) => finite(text, `${name}_${index + 1}`));
  };
  const denominator = (name: string): number[] => {
    const parsed = coefficients(name);
    if (parsed.every((one) => one === 0)) return fail(name, 'is all zero: the RPC was not filled in');
    return parsed[0] === 0 ? fail(`${name}_1`, "is 0, so the model has no value at its own centre: take the RPC file of the original product") : parsed;
  };
  const within = (name: string, limit: number, unit: string, hint = ''): number => {
    const parsed = value(name);
    return Math.abs(parsed) <= limit ? parsed : fail(name, `is ${parsed}, but must be ${unit} within +-${limit}${hint}`);
  };
  return {
    lonOff: within(names.lonOff, 360, 'degrees'), lonScale: scale(names.lonScale, 360),
    latOff: within(names.latOff, 90, 'degrees', '; are latitude and longitude swapped?'), latScale: scale(names.latScale, 180),
    altOff: within(names.altOff, mostMetres, 'metres'), altScale: scale(names.altScale, mostMetres),
    colOff: within(names.colOff, mostPixels, 'pixels'), colScale: scale(names.colScale, mostPixels),
    rowOff: within(names.rowOff, mostPixels, 'pixels'), rowScale: scale(names.rowScale, mostPixels),
    colNum: coefficients(names.colNum), colDen: denominator(names.colDen),
    rowNum: coefficients(names.rowNum), rowDen: denominator(names.rowDen),
  };
}
