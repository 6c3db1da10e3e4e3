// SPDX-License-Identifier: Apache-2.0
import { dirname, join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import { dataPath } from '../test/data-folder.js';
import { readCsv, rpcOfTxt } from '../test/reference-data.js';
import { oddlyNormalised, syntheticRpc } from '../test/synthetic-pair.js';
import { KernelArgumentError } from './errors.js';
import { rpcLocalize, rpcProject, scaleAffine, scaleRpc } from './rpc.js';
import type { Affine, RpcModel } from './types.js';

const zeros = (): number[] => Array.from({ length: 20 }, () => 0);

/** col = 10 + 100 (L + 2 H) / (1 + P / 2), row = 20 + 50 (P - L), with L = lon - 1, P = (lat - 2) / 4, H = alt / 1000. */
const simple: RpcModel = {
  lonOff: 1,
  lonScale: 1,
  latOff: 2,
  latScale: 4,
  altOff: 0,
  altScale: 1000,
  colOff: 10,
  colScale: 100,
  rowOff: 20,
  rowScale: 50,
  colNum: [0, 1, 0, 2, ...zeros().slice(4)],
  colDen: [1, 0, 0.5, ...zeros().slice(3)],
  rowNum: [0, -1, 1, ...zeros().slice(3)],
  rowDen: [1, ...zeros().slice(1)],
};

const near = (a: Float64Array, b: readonly number[], tolerance: number): boolean =>
  a.length === b.length && a.every((value, i) => Math.abs(value - (b[i] ?? Number.NaN)) <= tolerance);

test('projection follows the formula', (t) => {
  // L 0.5, P 1, H 0.25
  t.true(near(rpcProject(simple, Float64Array.of(1.5, 6, 250)), [10 + (100 * 1) / 1.5, 45], 1e-12));
  t.is(rpcProject(simple, new Float64Array(0)).length, 0);
});

test('every coefficient stands for its own term, in RPC00B order', (t) => {
  const [l, p, h] = [2, 3, 5];
  const terms = [
    1,
    l,
    p,
    h,
    l * p,
    l * h,
    p * h,
    l * l,
    p * p,
    h * h,
    p * l * h,
    l ** 3,
    l * p * p,
    l * h * h,
    l * l * p,
    p ** 3,
    p * h * h,
    l * l * h,
    p * p * h,
    h ** 3,
  ];
  terms.forEach((term, k) => {
    const colNum = zeros();
    colNum[k] = 1;
    t.deepEqual(
      [
        ...rpcProject(
          { ...simple, colNum, colDen: [1, ...zeros().slice(1)] },
          Float64Array.of(1 + l, 2 + 4 * p, 1000 * h),
        ),
      ],
      [10 + 100 * term, 20 + 50 * (p - l)],
    );
  });
});

test('localization inverts projection wherever the image is', (t) => {
  const plain = syntheticRpc({ tiltE: 0.3, tiltN: -0.2 });
  t.notThrows(() =>
    fc.assert(
      fc.property(
        fc.constantFrom(plain, oddlyNormalised(plain), scaleRpc(plain, 16, 15.5)),
        fc.double({ min: -5000, max: 6000, noNaN: true }),
        fc.double({ min: -5000, max: 6000, noNaN: true }),
        fc.double({ min: -400, max: 2000, noNaN: true }),
        (model, col, row, alt) => {
          const [lon = Number.NaN, lat = Number.NaN] = rpcLocalize(model, Float64Array.of(col, row, alt));
          return near(rpcProject(model, Float64Array.of(lon, lat, alt)), [col, row], 2e-8);
        },
      ),
    ),
  );
});

test('an odd normalisation is the same camera', (t) => {
  const model = syntheticRpc({ tiltE: 0.3 });
  const ground = Float64Array.of(30.01, 45.02, 120, 29.99, 44.97, 800);
  t.true(near(rpcProject(oddlyNormalised(model), ground), [...rpcProject(model, ground)], 1e-8));
});

test('poles, not-a-number and the unreachable give not-a-number, for their own point only', (t) => {
  const pole = Float64Array.of(1, -6, 0); // P = -2: the denominator is 0
  t.deepEqual(
    [...rpcProject(simple, Float64Array.of(...pole, Number.NaN, 2, 0, 1, 2, Infinity))],
    Array.from({ length: 6 }, () => Number.NaN),
  );
  const flat: RpcModel = { ...simple, rowNum: zeros() };
  t.deepEqual([...rpcLocalize(flat, Float64Array.of(10, 25, 0))], [Number.NaN, Number.NaN]);
  const squared: RpcModel = { ...simple, rowNum: [0, 0, 0, 0, 0, 0, 0, 0, 1, ...zeros().slice(9)] };
  t.deepEqual([...rpcLocalize(squared, Float64Array.of(10, -500, 0))], [Number.NaN, Number.NaN]); // row >= 20 everywhere
  const mixed = rpcLocalize(simple, Float64Array.of(10, 20, Number.NaN, 10, 20, 0));
  t.true(Number.isNaN(mixed[0]) && Number.isNaN(mixed[1]));
  t.true(near(mixed.slice(2), [1, 2], 1e-9));
});

test('a reduced image has its pixel centres where the overview has them', (t) => {
  const model = syntheticRpc({ tiltE: 0.3 });
  const ground = Float64Array.of(30.01, 45.02, 120);
  const [col = Number.NaN, row = Number.NaN] = rpcProject(model, ground);
  t.true(
    near(
      rpcProject(scaleRpc(model, 4, 801 / 201), ground),
      [(col + 0.5) / 4 - 0.5, (row + 0.5) / (801 / 201) - 0.5],
      1e-9,
    ),
  );
  const affine: Affine = { col: [3, 1.01, -0.02], row: [-7, 0.03, 0.99] };
  const reduced = scaleAffine(affine, 4, 2.5);
  const apply = (a: Affine, c: number, r: number): readonly number[] => [
    a.col[0] + a.col[1] * c + a.col[2] * r,
    a.row[0] + a.row[1] * c + a.row[2] * r,
  ];
  const [fullCol = 0, fullRow = 0] = apply(affine, col, row);
  t.true(
    near(
      Float64Array.from(apply(reduced, (col + 0.5) / 4 - 0.5, (row + 0.5) / 2.5 - 0.5)),
      [(fullCol + 0.5) / 4 - 0.5, (fullRow + 0.5) / 2.5 - 0.5],
      1e-9,
    ),
  );
  t.throws(() => scaleRpc(model, 0, 1), { instanceOf: KernelArgumentError, message: /factorCol/ });
  t.throws(() => scaleAffine(affine, 1, Number.NaN), { instanceOf: KernelArgumentError, message: /factorRow/ });
});

test('wrong arguments are refused by name', (t) => {
  t.throws(() => rpcProject(simple, new Float64Array(4)), {
    instanceOf: KernelArgumentError,
    message: /triples for lonLatAlt/,
  });
  t.throws(() => rpcLocalize({ ...simple, colNum: [1] }, new Float64Array(3)), {
    instanceOf: KernelArgumentError,
    message: /20 coefficients/,
  });
});

for (const folder of ['rpc_reference', 'gizeh']) {
  test(`real models of ${folder} agree with their reference values to 1e-6 px, both ways`, (t) => {
    const csv = dataPath(t.log, folder, 'localisation.csv');
    if (csv === null) return t.pass();
    const rows = readCsv(csv);
    t.true(rows.length >= 72);
    for (const row of rows) {
      const number = (key: string): number => Number(row[key]);
      const model = rpcOfTxt(join(dirname(csv), row['rpc_file'] ?? ''));
      const [col, line, lon, lat, alt] = [
        number('col_centre'),
        number('row_centre'),
        number('lon_deg'),
        number('lat_deg'),
        number('alt_m'),
      ];
      t.true(near(rpcProject(model, Float64Array.of(lon, lat, alt)), [col, line], 1e-6));
      const ground = rpcLocalize(model, Float64Array.of(col, line, alt));
      t.true(near(ground, [lon, lat], 1e-11));
      t.true(near(rpcProject(model, Float64Array.of(ground[0] ?? 0, ground[1] ?? 0, alt)), [col, line], 5e-9));
    }
    return undefined;
  });
}

// shareloc's own check value (tests/geometry/test_triangulation.py): the middle of the shortest line between the rays.
test('the rays of the Giza pair meet where the reference has them', (t) => {
  const paths = [dataPath(t.log, 'gizeh', 'img1_RPC.TXT'), dataPath(t.log, 'gizeh', 'img2_RPC.TXT')];
  // Pixels of the match in the crops, pixel centres, through the pair's rectification grids.
  const pixels = [
    [20895.252823661816 - 20500.5, 5508.958555630624 - 5000.5],
    [20912.268175685345 - 20501.5, 6018.779313817428 - 5476.5],
  ];
  const rays: Vector[][] = [];
  for (const [k, path] of paths.entries()) {
    if (path === null) return t.pass();
    const [col = 0, row = 0] = pixels[k] ?? [];
    const [lon0 = 0, lat0 = 0, lon1 = 0, lat1 = 0] = rpcLocalize(
      rpcOfTxt(path),
      Float64Array.of(col, row, 20, col, row, 220),
    );
    rays.push([geocentric(lon0, lat0, 20), geocentric(lon1, lat1, 220)]);
  }
  const [[a = zero, a1 = zero] = [], [b = zero, b1 = zero] = []] = rays;
  const [p, q, w] = [minus(a1, a), minus(b1, b), minus(a, b)];
  const [pp, pq, qq, pw, qw] = [dot(p, p), dot(p, q), dot(q, q), dot(p, w), dot(q, w)];
  const [s, r] = [(pq * qw - qq * pw) / (pp * qq - pq * pq), (pp * qw - pq * pw) / (pp * qq - pq * pq)];
  const middle = a.map((value, i) => (value + s * (p[i] ?? 0) + (b[i] ?? 0) + r * (q[i] ?? 0)) / 2);
  const expected = [4733007.44057619, 2859047.05062282, 3168330.19887048];
  t.true(
    middle.every((value, i) => Math.abs(value - (expected[i] ?? Number.NaN)) < 1e-3),
    middle.join(', '),
  );
  return undefined;
});

type Vector = readonly number[];
const zero: Vector = [0, 0, 0];
const minus = (a: Vector, b: Vector): Vector => a.map((value, i) => value - (b[i] ?? Number.NaN));
const dot = (a: Vector, b: Vector): number => a.reduce((sum, value, i) => sum + value * (b[i] ?? Number.NaN), 0);

function geocentric(lon: number, lat: number, alt: number): Vector {
  const [l, p, e2] = [(lon * Math.PI) / 180, (lat * Math.PI) / 180, 0.0066943799901413165];
  const normal = 6378137 / Math.sqrt(1 - e2 * Math.sin(p) ** 2);
  return [
    (normal + alt) * Math.cos(p) * Math.cos(l),
    (normal + alt) * Math.cos(p) * Math.sin(l),
    (normal * (1 - e2) + alt) * Math.sin(p),
  ];
}
