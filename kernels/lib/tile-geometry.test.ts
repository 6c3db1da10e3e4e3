// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import fc from 'fast-check';
import { readRpc, transformPoints } from '../raster/index.js';
import { dataPath } from '../test/data-folder.js';
import { exactViews, scattered, worstErrors } from '../test/exact-views.js';
import { rpcOfTxt } from '../test/reference-data.js';
import { identity, lonLatFromGround, syntheticPair, syntheticRpc } from '../test/synthetic-pair.js';
import { TileGeometryError } from './errors.js';
import { evaluatePoly2, evaluatePoly3 } from './polynomial.js';
import { rpcLocalize, scaleAffine, scaleRpc } from './rpc.js';
import { tileGeometry, type TileGeometryInput } from './tile-geometry.js';
import type { Affine, PixelRect, RectSpec, RpcModel } from './types.js';

const size = { width: 1000, height: 1000 };
const input: TileGeometryInput = {
  ref: { rpc: syntheticPair.ref, ...size },
  sec: { rpc: syntheticPair.sec, ...size, correction: identity },
  box: { minE: -100, minN: -100, maxE: 100, maxN: 100 },
  heightRange: [250, 350],
  lonLatFromGround,
  marginPx: 32,
};

const holds = (rect: PixelRect | null, pixels: Float64Array, around: number): boolean =>
  rect !== null &&
  pixels.every((value, i) =>
    i % 2 === 0
      ? value - around >= rect.col0 && value + around <= rect.col0 + rect.width - 1
      : value - around >= rect.row0 && value + around <= rect.row0 + rect.height - 1,
  );

test('transforms and polynomials agree with the exact cameras at points of their own', (t) => {
  const geometry = tileGeometry(input);
  const { refPx, secPx, groundM } = worstErrors(input, geometry);
  t.true(refPx < 0.005 && secPx < 0.005 && groundM < 0.002, `${refPx} px, ${secPx} px, ${groundM} m`);
  t.true(geometry.epipolarResidualPx <= 0.005 && geometry.groundErrorM <= 0.01);
});

test('disparity grows with height, by what base to height and pixel size say', (t) => {
  const { rectFromGround, pxPerMetre, baseToHeight } = tileGeometry(input);
  const [, , low = 0, , , high = 0] = evaluatePoly3(rectFromGround, Float64Array.of(10, 20, 260, 10, 20, 340));
  t.true(Math.abs((high - low) / 80 - pxPerMetre) < 0.01 * pxPerMetre);
  t.true(Math.abs(baseToHeight - Math.hypot(0.5, 0.03)) < 0.01);
  t.true(Math.abs(pxPerMetre - 2 * baseToHeight) < 0.02);
});

test('swapping the images, turning the ground or the views keeps all of that', (t) => {
  for (const [tiltE, tiltN, turn] of [
    [0.4, 0, 0],
    [0, 0.4, 2],
    [-0.3, 0.2, -1.2],
    [0.1, -0.5, 3.1],
  ] as const) {
    const sec = { rpc: syntheticRpc({ tiltE, tiltN, turn }), ...size, correction: identity };
    const pair = { ...input, sec };
    for (const each of [pair, { ...pair, ref: sec, sec: { ...pair.ref, correction: identity } }]) {
      const geometry = tileGeometry(each);
      const { refPx, secPx, groundM } = worstErrors(each, geometry);
      t.true(refPx < 0.02 && secPx < 0.02 && groundM < 0.01, `${refPx} px, ${secPx} px, ${groundM} m`);
      const [, , low = 0, , , high = 0] = evaluatePoly3(geometry.rectFromGround, Float64Array.of(0, 0, 250, 0, 0, 350));
      t.true(high > low);
    }
  }
});

test('the pointing correction moves the secondary by what it says', (t) => {
  const correction: Affine = { col: [6, 1.0002, 1e-4], row: [-8, -2e-4, 0.9999] };
  const corrected = { ...input, sec: { ...input.sec, correction } };
  const { refPx, secPx, groundM } = worstErrors(corrected, tileGeometry(corrected));
  t.true(refPx < 0.005 && secPx < 0.005 && groundM < 0.002);
});

test('blocks and windows hold all they must, and hardly more', (t) => {
  const geometry = tileGeometry(input);
  const ground = scattered(input, 2000);
  const rect = evaluatePoly3(geometry.rectFromGround, ground);
  const { ref, sec } = exactViews(input, ground);
  t.true(holds(geometry.refWindow, ref, 20) && holds(geometry.secWindow, sec, 20));
  const [dMin, dMax] = geometry.disparityRange;
  const inside = ({ u0, v0, width, height }: RectSpec, u: number, v: number, around: number): boolean =>
    u - around >= u0 && v - around >= v0 && u + around <= u0 + width - 1 && v + around <= v0 + height - 1;
  for (let i = 0; i < rect.length; i += 3) {
    const [u = Number.NaN, v = Number.NaN, d = Number.NaN] = rect.subarray(i, i + 3);
    t.true(inside(geometry.rect, u, v, 32) && inside(geometry.secRect, u + d, v, 0) && d >= dMin && d <= dMax);
  }
  // The extremes are at the box's corners, but for what a third-degree bend can do.
  const corners = [-100, 100].flatMap((e) => [-100, 100].flatMap((n) => [250, 350].flatMap((h) => [e, n, h])));
  const atCorners = evaluatePoly3(geometry.rectFromGround, Float64Array.from(corners));
  const extent = (k: number): number => {
    const values = atCorners.filter((_, i) => i % 3 === k);
    return Math.max(...values) - Math.min(...values);
  };
  t.true(geometry.rect.width < extent(0) + 64 + 4 && geometry.rect.height < extent(1) + 64 + 4);
  t.true(dMax - dMin < extent(2) + 4.5);
  t.is(geometry.secRect.v0, geometry.rect.v0);
  t.is(geometry.secRect.height, geometry.rect.height);
  t.is(geometry.secRect.width, geometry.rect.width + dMax - dMin);
});

test('a box partly outside gives blocks and windows inside the images', (t) => {
  const geometry = tileGeometry({ ...input, box: { minE: 150, minN: -100, maxE: 350, maxN: 100 } });
  for (const window of [geometry.refWindow, geometry.secWindow]) {
    t.true(
      window !== null &&
        window.col0 >= 0 &&
        window.row0 >= 0 &&
        window.col0 + window.width <= 1000 &&
        window.row0 + window.height <= 1000,
    );
  }
  // Half of the box is outside: its part of the block is left out.
  const whole = tileGeometry(input);
  t.true(geometry.rect.width * geometry.rect.height < 0.75 * whole.rect.width * whole.rect.height);
  // Whatever the reference can show of the box is in the block.
  const { u0, v0, width, height } = geometry.rect;
  const corners = evaluatePoly2(
    geometry.refFromRect,
    Float64Array.of(u0, v0, u0 + width - 1, v0, u0, v0 + height - 1, u0 + width - 1, v0 + height - 1),
  );
  t.true(Math.max(...corners.filter((_, i) => i % 2 === 0)) > 999);
});

test('of a box far larger than the images only what they show is modelled', (t) => {
  const geometry = tileGeometry({ ...input, box: { minE: -6000, minN: -2000, maxE: 8000, maxN: 9000 } });
  const inside = tileGeometry({ ...input, box: { minE: -250, minN: -250, maxE: 250, maxN: 250 } });
  t.true(geometry.epipolarResidualPx <= 0.005 && geometry.groundErrorM < 0.002);
  t.true(Math.abs(geometry.rect.width - inside.rect.width) < 60 && Math.abs(geometry.rect.height - inside.rect.height) < 60);
  t.true(geometry.disparityRange[1] - geometry.disparityRange[0] < inside.disparityRange[1] - inside.disparityRange[0] + 4);
  const { refPx, secPx, groundM } = worstErrors({ ...input, box: { minE: -240, minN: -240, maxE: 240, maxN: 240 } }, geometry);
  t.true(refPx < 0.02 && secPx < 0.02 && groundM < 0.01, `${refPx} px, ${secPx} px, ${groundM} m`);
});

test('an image that does not see the box has no window, however far away it is', (t) => {
  for (const east of [600, 5_000, 200_000, 5_000_000, Number.NaN]) {
    const geometry = Number.isNaN(east)
      ? tileGeometry({ ...input, lonLatFromGround: (ground) => ground.map(() => Number.NaN) })
      : tileGeometry({ ...input, box: { minE: east, minN: -100, maxE: east + 200, maxN: 100 } });
    t.is(geometry.refWindow, null);
    t.is(geometry.secWindow, null);
    t.is(geometry.rect.width * geometry.rect.height, 0);
  }
  const moved = (col: number): Affine => ({ col: [col, 1, 0], row: [0, 0, 1] });
  const elsewhere = tileGeometry({ ...input, sec: { ...input.sec, correction: moved(5000) } });
  t.true(elsewhere.secWindow === null && elsewhere.refWindow !== null && elsewhere.rect.width === 0);
  const without = tileGeometry({ ...input, ref: input.sec, sec: { ...input.ref, ...size, correction: moved(5000) } });
  t.true(without.secWindow === null && without.refWindow !== null);
});

test('a box of which each image sees another part has nothing to match', (t) => {
  const box = { minE: -100, minN: -1000, maxE: 100, maxN: 1000 };
  const apart: Affine = { col: [0, 1, 0], row: [1200, 0, 1] };
  const geometry = tileGeometry({ ...input, box, sec: { ...input.sec, correction: apart } });
  t.true(geometry.refWindow !== null && geometry.secWindow === null && geometry.secRect.width === 0);
});

test('views that do not differ, empty boxes and models beyond the third degree are refused', (t) => {
  t.throws(() => tileGeometry({ ...input, sec: { ...input.ref, correction: identity } }), {
    instanceOf: TileGeometryError,
    message: /do not differ/,
  });
  t.throws(() => tileGeometry({ ...input, box: { ...input.box, maxE: -100 } }), {
    instanceOf: TileGeometryError,
    message: /not empty/,
  });
  t.throws(() => tileGeometry({ ...input, heightRange: [2, 1] }), { instanceOf: TileGeometryError });
  const wild = {
    ...syntheticPair.sec,
    colNum: syntheticPair.sec.colNum.map((c, k) => (k === 11 || k === 19 ? 40 : c)),
  };
  const broken = { ...wild, colDen: wild.colDen.map((c, k) => (k === 1 ? 45 : c)) };
  t.throws(() => tileGeometry({ ...input, sec: { ...input.sec, rpc: broken } }), {
    instanceOf: TileGeometryError,
    message: /third-degree model/,
  });
});

test('a single height is a range too', (t) => {
  const geometry = tileGeometry({ ...input, heightRange: [300, 300] });
  t.true(geometry.disparityRange[1] - geometry.disparityRange[0] <= 6);
  t.true(geometry.groundErrorM < 0.01);
});

test('reduced images have the geometry of the full ones', (t) => {
  const correction: Affine = { col: [6, 1, 0], row: [-8, 0, 1] };
  const full = { ...input, sec: { ...input.sec, correction } };
  const reduced: TileGeometryInput = {
    ...full,
    ref: { rpc: scaleRpc(input.ref.rpc, 4, 4), width: 250, height: 250 },
    sec: { rpc: scaleRpc(input.sec.rpc, 4, 4), width: 250, height: 250, correction: scaleAffine(correction, 4, 4) },
  };
  const [a, b] = [tileGeometry(full), tileGeometry(reduced)];
  t.true(Math.abs(a.pxPerMetre / b.pxPerMetre - 4) < 1e-3 && Math.abs(a.baseToHeight - b.baseToHeight) < 1e-4);
  const { refPx, secPx, groundM } = worstErrors(reduced, b);
  t.true(refPx < 0.005 && secPx < 0.005 && groundM < 0.01);
});

test('any box inside the images works, and the same input gives the same numbers', (t) => {
  t.notThrows(() =>
    fc.assert(
      fc.property(
        fc.double({ min: -200, max: 100, noNaN: true }),
        fc.double({ min: -200, max: 100, noNaN: true }),
        fc.double({ min: 5, max: 200, noNaN: true }),
        fc.double({ min: 0, max: 600, noNaN: true }),
        fc.double({ min: 0, max: 500, noNaN: true }),
        (minE, minN, side, low, relief) => {
          const pair = {
            ...input,
            box: { minE, minN, maxE: minE + side, maxN: minN + side },
            heightRange: [low, low + relief] as const,
          };
          const geometry = tileGeometry(pair);
          t.deepEqual(tileGeometry(pair), geometry);
          if (geometry.refWindow === null || geometry.secWindow === null) return true;
          const { refPx, secPx, groundM } = worstErrors(pair, geometry);
          return refPx < 0.02 && secPx < 0.02 && groundM < 0.01;
        },
      ),
      { numRuns: 50 },
    ),
  );
});

interface RealPair {
  readonly name: string;
  readonly crs: string;
  readonly at: readonly [number, number];
  readonly heightM: number;
  readonly base: number;
  readonly models: (path: (file: string) => string | null) => readonly (RpcModel | null)[];
}
const txt = (path: string | null): RpcModel | null => (path === null ? null : rpcOfTxt(path));
const tag = (path: string | null): RpcModel | null => (path === null ? null : readRpc(path).model);
const strip = 'PHR1B_P_2017092810';
const realPairs: readonly RealPair[] = [
  {
    name: 'gizeh',
    crs: 'EPSG:32636',
    at: [400, 400],
    heightM: 100,
    base: 0.085,
    models: (path) => [txt(path('img1_RPC.TXT')), txt(path('img2_RPC.TXT'))],
  },
  {
    name: 's2p_pair',
    crs: 'EPSG:32740',
    at: [512, 512],
    heightM: 2320,
    base: 0.26,
    models: (path) => [tag(path('img_01.tif')), tag(path('img_02.tif'))],
  },
  {
    name: 'rpc_reference',
    crs: 'EPSG:32632',
    at: [20_000, 12_000],
    heightM: 580,
    base: 0.377,
    models: (path) => [
      txt(path(`${strip}38045_SEN_PRG_FC_178608-001_RPC.TXT`)),
      txt(path(`${strip}38393_SEN_PRG_FC_178609-001_RPC.TXT`)),
    ],
  },
];

for (const { name, crs, at, heightM, base, models } of realPairs) {
  test(`the real pair ${name} is modelled to 0.02 px and 1 cm over 2048 px and 1000 m`, (t) => {
    const [ref, sec] = models((file) => dataPath(t.log, name, file));
    if (ref === null || ref === undefined || sec === null || sec === undefined) return t.pass();
    const lonLat = rpcLocalize(ref, Float64Array.of(at[0], at[1], heightM));
    const [e = 0, n = 0] = transformPoints('EPSG:4326', crs, lonLat);
    const pair: TileGeometryInput = {
      ref: { rpc: ref, width: 40_000, height: 40_000 },
      sec: { rpc: sec, width: 40_000, height: 40_000, correction: identity },
      box: { minE: e - 512, minN: n - 512, maxE: e + 512, maxN: n + 512 },
      heightRange: [heightM - 500, heightM + 500],
      lonLatFromGround: (ground) => transformPoints(crs, 'EPSG:4326', ground),
      marginPx: 48,
    };
    const geometry = tileGeometry(pair);
    const { refPx, secPx, groundM } = worstErrors(pair, geometry);
    const degrees = [geometry.refFromRect, geometry.secFromRect, geometry.groundFromRect].map((poly) => poly.degree);
    t.log(`degrees ${degrees.join()}; residual ${geometry.epipolarResidualPx} px, ground ${geometry.groundErrorM} m`);
    t.log(`at scattered points ${refPx} px, ${secPx} px, ${groundM} m`);
    t.true(geometry.epipolarResidualPx <= 0.02 && geometry.groundErrorM <= 0.01);
    t.true(refPx <= 0.02 && secPx <= 0.02 && groundM <= 0.01);
    t.true(Math.abs(geometry.baseToHeight - base) < 0.01, `base to height ${geometry.baseToHeight}`);
    t.true(Math.abs(Math.abs(geometry.rotationDeg) - 83) < 10, 'epipolar lines run nearly along the columns');

    // A sixteenth, 16 km of it, over all heights the camera is made for.
    const reduced = (rpc: RpcModel): { rpc: RpcModel; width: number; height: number } =>
      ({ rpc: scaleRpc(rpc, 16, 16), width: 2500, height: 2500 });
    const coarse: TileGeometryInput = {
      ...pair,
      ref: reduced(ref),
      sec: { ...reduced(sec), correction: identity },
      box: { minE: e - 8000, minN: n - 8000, maxE: e + 8000, maxN: n + 8000 },
      heightRange: [ref.altOff - ref.altScale, ref.altOff + ref.altScale],
    };
    const { epipolarResidualPx, groundErrorM } = tileGeometry(coarse);
    t.log(`reduced 16 times, 16 km: residual ${epipolarResidualPx} px, ground ${groundErrorM} m`);
    t.true(epipolarResidualPx < 0.05 && groundErrorM < 0.3);
    return undefined;
  });
}
