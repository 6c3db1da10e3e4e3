// SPDX-License-Identifier: Apache-2.0
import type { Solid } from './objects.js';
import { type Random, makeRandom } from './random.js';

/** A street's middle line at `at` metres in the town's frame, and half its width between the kerbs. */
export interface Street { readonly at: number; readonly half: number }

export type BlockKind = 'park' | 'suburb' | 'centre' | 'works';

/** A town of straight streets in a frame turned by `angle` about the world's middle; block (i, j) lies behind streets i and j. */
export interface Town {
  readonly angle: number; readonly cos: number; readonly sin: number;
  readonly midX: number; readonly midY: number;
  readonly u: readonly Street[]; readonly v: readonly Street[];
  /** Row-major: blocks[j * (u.length - 1) + i]. */
  readonly blocks: readonly BlockKind[];
}

export const sidewalkM = 2;

/** Lays out streets and decides what each block is: denser towards the middle. */
export function planTown(seed: number, width: number, height: number): Town {
  const random = makeRandom(seed ^ 0x70e4);
  const reach = Math.hypot(width, height) / 2 + 60;
  const lay = (low: number, high: number): Street[] => {
    const streets: Street[] = [];
    for (let at = -reach; at < reach; at += low + (high - low) * random()) streets.push({ at, half: random() < 0.25 ? 8.5 : 4.5 + 1.5 * random() });
    return streets;
  };
  const u = lay(75, 140);
  const v = lay(52, 78);
  const blocks: BlockKind[] = [];
  for (let j = 0; j + 1 < v.length; j++) {
    for (let i = 0; i + 1 < u.length; i++) {
      const far = Math.hypot(((u[i]?.at ?? 0) + (u[i + 1]?.at ?? 0)) / 2, ((v[j]?.at ?? 0) + (v[j + 1]?.at ?? 0)) / 2) / (0.7 * reach);
      const dice = random();
      blocks.push(dice < 0.07 ? 'park' : dice < 0.17 ? 'works' : dice < 0.17 + 0.75 * Math.exp(-4 * far * far) ? 'centre' : 'suburb');
    }
  }
  const angle = 0.28 + 0.5 * random();
  return { angle, cos: Math.cos(angle), sin: Math.sin(angle), midX: width / 2, midY: height / 2, u, v, blocks };
}

type Ground = (x: number, y: number) => number;

/** What a builder needs: chance, the ground, the town's frame, and where the solids go. */
interface Site {
  readonly random: Random; readonly ground: Ground; readonly solids: Solid[];
  readonly toWorld: (u: number, v: number) => readonly [number, number];
  readonly angle: number;
}

interface Lot { readonly u0: number; readonly u1: number; readonly v0: number; readonly v1: number }

/** Builds the town's houses and trees on the ground. */
export function buildTown(town: Town, seed: number, ground: Ground): Solid[] {
  const { cos, sin } = town;
  const site: Site = {
    random: makeRandom(seed ^ 0xb01d), ground, solids: [], angle: town.angle,
    toWorld: (u, v) => [town.midX + u * cos - v * sin, town.midY + u * sin + v * cos],
  };
  for (let j = 0; j + 1 < town.v.length; j++) {
    for (let i = 0; i + 1 < town.u.length; i++) {
      const [ua, ub, va, vb] = [town.u[i], town.u[i + 1], town.v[j], town.v[j + 1]];
      const kind = town.blocks[j * (town.u.length - 1) + i];
      if (ua === undefined || ub === undefined || va === undefined || vb === undefined || kind === undefined) continue;
      const lot = {
        u0: ua.at + ua.half + sidewalkM, u1: ub.at - ub.half - sidewalkM,
        v0: va.at + va.half + sidewalkM, v1: vb.at - vb.half - sidewalkM,
      };
      builders[kind](site, lot);
    }
  }
  return site.solids;
}

const builders: Readonly<Record<BlockKind, (site: Site, lot: Lot) => void>> = {
  park: (site, lot) => { plantTrees(site, lot, 0.004); },
  // Detached houses in two rows, gardens behind.
  suburb: (site, lot) => {
    const { random } = site;
    for (const side of [0, 1]) {
      for (let u = lot.u0 + 3 + 4 * random(); ;) {
        const [w, depth] = [9 + 6 * random(), 8 + 3 * random()];
        if (u + w > lot.u1 - 3) break;
        const setback = 4 + 3 * random();
        const v = side === 0 ? lot.v0 + setback + depth / 2 : lot.v1 - setback - depth / 2;
        house(site, u + w / 2, v, w, depth, 5 + 3 * random());
        u += w + 5 + 6 * random();
      }
    }
    plantTrees(site, lot, 0.0022);
  },
  // Perimeter blocks of several storeys around a court, now and then a tower.
  centre: (site, lot) => {
    const { random } = site;
    const depth = 12 + 4 * random();
    for (const side of [0, 1]) {
      for (let u = lot.u0; u < lot.u1 - 8;) {
        const w = Math.min(lot.u1 - u, 15 + 14 * random());
        const v = side === 0 ? lot.v0 + depth / 2 : lot.v1 - depth / 2;
        if (w > 8 && random() < 0.92) townHouse(site, u + w / 2, v, w, depth, 9 + 14 * random());
        u += w + (random() < 0.3 ? 4 + 4 * random() : 0.05);
      }
    }
    if (random() < 0.35) {
      const s = 16 + 6 * random();
      box(site, (lot.u0 + lot.u1) / 2, (lot.v0 + lot.v1) / 2, s, s, 26 + 14 * random(), 0, 0, 0.35 + 0.2 * random());
    } else {
      plantTrees(site, { u0: lot.u0 + 4, u1: lot.u1 - 4, v0: lot.v0 + depth + 2, v1: lot.v1 - depth - 2 }, 0.004);
    }
  },
  // Halls on paved yards.
  works: (site, lot) => {
    const { random } = site;
    const count = lot.u1 - lot.u0 > 85 ? 2 : 1;
    const width = (lot.u1 - lot.u0) / count;
    for (let k = 0; k < count; k++) {
      const [w, depth] = [Math.min(55, width * (0.55 + 0.25 * random())), (lot.v1 - lot.v0) * (0.5 + 0.25 * random())];
      const height = 7 + 5 * random();
      const u = lot.u0 + width * (k + 0.5);
      const v = (lot.v0 + lot.v1) / 2;
      const pitched = random() < 0.5;
      box(site, u, v, w, depth, height, pitched ? 0.12 : 0, 2, 0.25 + 0.4 * random());
      if (!pitched) {
        for (let n = 0; n < 4; n++) {
          box(site, u + (random() - 0.5) * 0.7 * w, v + (random() - 0.5) * 0.7 * depth, 3 + 2 * random(), 3 + 2 * random(),
            height + 1.5 + random(), 0, 0, 0.3 + 0.3 * random());
        }
      }
    }
  },
};

const tileAlbedos = [0.13, 0.17, 0.21, 0.26, 0.32];
const flatAlbedos = [0.1, 0.16, 0.22, 0.3, 0.42, 0.6];
const pick = (random: Random, from: readonly number[]): number => from[Math.floor(random() * from.length)] ?? 0.2;

/** A gabled house, one in three with a wing: an L. */
function house(site: Site, u: number, v: number, w: number, depth: number, height: number): void {
  const { random } = site;
  const turn = (random() - 0.5) * 0.07;
  const albedo = pick(random, tileAlbedos);
  const pitch = 0.45 + 0.25 * random();
  box(site, u, v, w, depth, height + (pitch * depth) / 2, pitch, 1, albedo, turn);
  if (random() < 0.35) {
    const wing = Math.min(7, w * 0.55);
    const side = random() < 0.5 ? -1 : 1;
    box(site, u + (side * (w - wing)) / 2, v + depth * 0.6, depth * 1.1, wing, height + (pitch * wing) / 2, pitch, 1, albedo, turn + Math.PI / 2);
  }
}

/** A house of several storeys, flat or gabled, with a stair head or a lift house on flat roofs. */
function townHouse(site: Site, u: number, v: number, w: number, depth: number, height: number): void {
  const { random } = site;
  if (random() < 0.4) {
    const pitch = 0.35 + 0.2 * random();
    box(site, u, v, w, depth, height + (pitch * depth) / 2, pitch, 1, pick(random, tileAlbedos));
    return;
  }
  box(site, u, v, w, depth, height, 0, 0, pick(random, flatAlbedos));
  if (random() < 0.5) box(site, u + (random() - 0.5) * w * 0.5, v, 4 + 2 * random(), 3.5 + 2 * random(), height + 2.5, 0, 0, 0.35);
}

/** A box whose top is `height` above the highest ground under it. */
function box(site: Site, u: number, v: number, w: number, depth: number, height: number, shape: number, style: number, albedo: number, turn = 0): void {
  const [x, y] = site.toWorld(u, v);
  const angle = site.angle + turn;
  const [c, s] = [Math.cos(angle), Math.sin(angle)];
  let base = site.ground(x, y);
  for (const [a, b] of [[-1, -1], [1, -1], [1, 1], [-1, 1]] as const) {
    base = Math.max(base, site.ground(x + (a * w * c) / 2 - (b * depth * s) / 2, y + (a * w * s) / 2 + (b * depth * c) / 2));
  }
  site.solids.push({ kind: 'box', x, y, angle, hx: w / 2, hy: depth / 2, top: base + height, shape, albedo, style, base });
}

/** Trees spread over a lot, `density` per square metre, none through a roof. */
function plantTrees(site: Site, lot: Lot, density: number): void {
  const { random, solids } = site;
  const count = Math.round(Math.max(0, (lot.u1 - lot.u0) * (lot.v1 - lot.v0)) * density);
  const houses = solids.slice(-160).filter((s) => s.kind === 'box');
  for (let n = 0; n < count; n++) {
    const [x, y] = site.toWorld(lot.u0 + (lot.u1 - lot.u0) * random(), lot.v0 + (lot.v1 - lot.v0) * random());
    const radius = 1.8 + 2.6 * random();
    const free = houses.every((s) => {
      const [dx, dy] = [x - s.x, y - s.y];
      const lx = Math.abs(dx * Math.cos(s.angle) + dy * Math.sin(s.angle)) - s.hx;
      const ly = Math.abs(dy * Math.cos(s.angle) - dx * Math.sin(s.angle)) - s.hy;
      return Math.max(lx, ly) > 0.7 * radius;
    });
    if (free) solids.push(...tree(random, x, y, site.ground(x, y), radius));
  }
}

/** A crown of one large and four smaller domes. */
export function tree(random: Random, x: number, y: number, base: number, radius: number): Solid[] {
  const height = radius * (1.9 + 1.1 * random());
  const albedo = 0.07 + 0.06 * random();
  const dome = (dx: number, dy: number, r: number, top: number): Solid => ({
    kind: 'dome', x: x + dx, y: y + dy, angle: 0, hx: r, hy: r, top: base + top, shape: Math.min(r * 1.1, top * 0.8), albedo, style: 3, base,
  });
  const crown = [dome(0, 0, 0.8 * radius, height)];
  for (let k = 0; k < 4; k++) {
    const angle = (k + random()) * 1.57;
    crown.push(dome(0.5 * radius * Math.cos(angle), 0.5 * radius * Math.sin(angle), (0.4 + 0.15 * random()) * radius, height * (0.72 + 0.2 * random())));
  }
  return crown;
}

/** Farms and trees over the countryside, per square kilometre. */
export function buildCountryside(
  seed: number, width: number, height: number, ground: Ground, perKm2: { readonly houses: number; readonly trees: number },
): Solid[] {
  const random = makeRandom(seed ^ 0xfa43);
  const site: Site = { random, ground, solids: [], angle: 0, toWorld: (u, v) => [u, v] };
  const area = (width * height) / 1e6;
  for (let n = 0; n < perKm2.houses * area; n++) {
    const angle = Math.PI * random();
    const [x, y] = [20 + (width - 40) * random(), 20 + (height - 40) * random()];
    const toWorld = (u: number, v: number): [number, number] => [x + u * Math.cos(angle) - v * Math.sin(angle), y + u * Math.sin(angle) + v * Math.cos(angle)];
    house({ ...site, angle, toWorld }, 0, 0, 10 + 8 * random(), 8 + 3 * random(), 4 + 2 * random());
  }
  plantTrees(site, { u0: 5, u1: width - 5, v0: 5, v1: height - 5 }, perKm2.trees / 1e6);
  return site.solids;
}
