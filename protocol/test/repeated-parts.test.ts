// SPDX-License-Identifier: Apache-2.0
// Reading a task by its repeated parts is reading it as a whole, or nothing.
import test from 'ava';
import fc from 'fast-check';
import { Packr } from 'msgpackr';
import { type StereoTask, encodeMessage, stereoParamsSchema, taskSchema } from '../src/index.js';
import { openRepeatedParts } from '../src/repeated-parts.js';

const packr = new Packr({ useRecords: false, structuredClone: false });
const rpc = {
  lonOff: 33, lonScale: 0.1, latOff: 0.5, latScale: 0.1, altOff: 100, altScale: 500, colOff: 512, colScale: 512, rowOff: 512, rowScale: 512,
  colNum: Array<number>(20).fill(0.5), colDen: [1, ...Array<number>(19).fill(0)], rowNum: Array<number>(20).fill(-0.25), rowDen: [1, ...Array<number>(19).fill(0)],
};
const image = { key: 'scenes/s/images/0.tif', width: 1024, height: 1024, rpc };
const params = stereoParamsSchema.parse({});
const task = (tileId: string, of: Partial<StereoTask> = {}): StereoTask => ({
  v: 1, kind: 'stereo', sceneId: 's', taskId: `stereo-${tileId}`, round: 0, factor: 1, pairId: '0_1', tileId, crs: 'EPSG:32636',
  grid: { originE: 500_000, originN: 56_000, resolution: 0.5, width: 96, height: 96 }, haloCells: 16, heightRange: [0, 200], priorKey: null, ref: image, sec: image,
  correction: { col: [0, 1, 0], row: [0, 0, 1] }, params, memoryBudgetMb: 1500, outKey: `scenes/s/partials/${tileId}/0_1.0.tif`, ...of,
});
const packed = (value: unknown): Uint8Array => Uint8Array.from(packr.pack(value));
const whole = (bytes: Uint8Array): StereoTask => taskSchema.parse(packr.unpack(bytes)) as StereoTask;

/** A reader that has seen a task. */
function seen(...tasks: readonly StereoTask[]): ReturnType<typeof openRepeatedParts> {
  const parts = openRepeatedParts(packr);
  for (const one of tasks) parts.keep(packed(one), whole(packed(one)));
  return parts;
}

test('a task with parts that were seen before is read as it was written, and shares them', (t) => {
  const parts = seen(task('a'));
  const [b, c] = [task('b'), task('c')].map((one) => parts.parse(Uint8Array.from(encodeMessage(one))));
  t.deepEqual([b, c], [task('b'), task('c')]);
  t.is(b?.ref, c?.ref);
});

test('pairs and levels that come in turns are all known; what comes in more turns than are kept is read as a whole', (t) => {
  const pairs = Array.from({ length: 9 }, (_, i) => task('a', { pairId: `0_${i}`, sec: { ...image, key: `scenes/s/images/${i}.tif` } }));
  const parts = seen(...pairs);
  t.is(parts.parse(packed(pairs[0])), null);
  for (const pair of pairs.slice(1)) t.deepEqual(parts.parse(packed(pair)), pair);
});

test('nothing was seen, or another part, another order, another message: to be read as a whole', (t) => {
  t.is(openRepeatedParts(packr).parse(packed(task('a'))), null);
  const parts = seen(task('a'));
  const { ref, ...others } = task('b');
  t.is(parts.parse(packed({ ...others, ref })), null, 'another order');
  t.is(parts.parse(packed(task('b', { correction: { col: [1, 1, 0], row: [0, 0, 1] } }))), null, 'another correction');
  for (const value of [null, 1, [], {}, { ref: 1 }, 'ref']) t.is(parts.parse(packed(value)), null);
  const reordered = openRepeatedParts(packr);
  reordered.keep(packed({ ...others, ref }), task('b'));
  t.is(reordered.parse(packed({ ...others, ref })), null, 'is not kept');
});

test('whatever is changed in a message, it is read as what the whole is, or not', (t) => {
  const parts = seen(task('a'));
  const bytes = packed(task('b'));
  let known = 0;
  // Most of it in what comes before the repeated parts.
  const place = fc.oneof({ weight: 4, arbitrary: fc.nat(225) }, fc.nat(bytes.length - 1));
  const damage = fc.record({
    changes: fc.array(fc.tuple(place, fc.nat(255)), { maxLength: 2 }), cut: fc.option(fc.nat(bytes.length), { freq: 9 }),
    insert: fc.uint8Array({ maxLength: 1 }), at: place,
  });
  fc.assert(fc.property(damage, ({ changes, cut, insert, at }) => {
    const changed = Uint8Array.from([...bytes.subarray(0, at), ...insert, ...bytes.subarray(at)]);
    for (const [i, value] of changes) changed[i] = value;
    const damaged = changed.subarray(0, cut ?? changed.length);
    const found = parts.parse(damaged);
    if (found === null) return;
    known += 1;
    t.deepEqual(found, whole(damaged));
  }), { seed: 20_261_123, numRuns: 3000 });
  t.true(known > 50, `${known} of 3,000 were read`);
});
