// SPDX-License-Identifier: Apache-2.0
// What comes from the wire or the store is either a message or a MalformedMessageError: nothing else is ever thrown, whatever the bytes.
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { Packr } from 'msgpackr';
import {
  type AlignMatches, type DeadLetter, MalformedMessageError, type ScenePlan, type Task, type TaskEvent, type TaskOutcome,
  encodeMessage, maxMessageBytes, parseAlignMatches, parseDeadLetter, parseStored, parseTask, parseTaskEvent, scenePlanSchema, stereoParamsSchema, taskOutcomeSchema,
} from '../src/index.js';

const rpc = {
  lonOff: 33, lonScale: 0.1, latOff: 0.5, latScale: 0.1, altOff: 100, altScale: 500, colOff: 512, colScale: 512, rowOff: 512, rowScale: 512,
  colNum: Array<number>(20).fill(0.5), colDen: [1, ...Array<number>(19).fill(0)], rowNum: Array<number>(20).fill(-0.25), rowDen: [1, ...Array<number>(19).fill(0)],
};
const params = stereoParamsSchema.parse({});
const image = { key: 'scenes/s/images/0.tif', width: 1024, height: 1024, rpc };
const task: Task = {
  v: 1, kind: 'stereo', sceneId: 's', taskId: 'stereo-1-x0y0-0_1', round: 0, factor: 1, pairId: '0_1', tileId: 'x0y0', crs: 'EPSG:32636',
  grid: { originE: 500_000, originN: 56_000, resolution: 0.5, width: 96, height: 96 }, haloCells: 16, heightRange: [0, 200], priorKey: null, ref: image, sec: image,
  correction: { col: [0, 1, 0], row: [0, 0, 1] }, params, memoryBudgetMb: 1500, outKey: 'scenes/s/partials/x0y0/0_1.0.tif',
};
const outcome: TaskOutcome = {
  v: 1, sceneId: 's', taskId: task.taskId, kind: 'stereo', state: 'dead', error: { code: 'raster', message: 'a.tif: broken', stage: 'read' }, taskHash: '0123456789abcdef', round: 0,
  attempts: 1, agent: 'a', startedAt: '2026-01-01T00:00:00.000Z', wallSeconds: 1.5, cpuSeconds: 1.25, stages: { read: 1 }, metrics: { validCells: 7 },
};
const event: TaskEvent = { v: 1, type: 'ended', sceneId: 's', taskId: task.taskId, kind: 'stereo', agent: 'a', at: '2026-01-01T00:00:00.000Z', outcome };
const letter: DeadLetter = {
  v: 1, sceneId: 's', taskId: task.taskId, error: { code: 'raster', message: 'x' }, attempts: 1, agent: 'a', at: '2026-01-01T00:00:00.000Z', task: Uint8Array.from(encodeMessage(task)),
};
const box = { minE: 0, minN: 0, maxE: 10, maxN: 10 };
const plan: ScenePlan = {
  v: 1, sceneId: 's', software: '1+x', crs: 'EPSG:32636', heightDomain: [0, 200], warnings: ['careful'],
  request: { sceneId: 's', images: [{ path: '/a.tif', band: 1 }, { path: '/b.tif', band: 1 }], resolution: 0.5, memoryBudgetMb: 1500, params },
  images: [{ index: 0, source: '/a.tif', rpcSource: '/a.tif', fingerprint: 'f', band: 1, mask: null, width: 1024, height: 1024, rpc, gsdM: 0.5, key: image.key }],
  pairs: [{ id: '0_1', ref: 0, sec: 1, baseToHeight: 0.5, overlap: box, overlapAreaM2: 100 }], alignWindows: [{ id: 'w0', pair: '0_1', box }],
  levels: [{ factor: 1, resolution: 0.5, tileCells: 64, haloCells: 16, maxDisparities: 256, tileRuns: [{ ix: 0, iy: 0, count: 1, core: [0, 0, 64, 64], pairs: ['0_1'] }] }],
};
const matches: AlignMatches = { matches: [[1, 2, 3, 4, 0.9], [5, 6, 7, 8, 0.8]] };

const json = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));
const parsePlan = (key: string, bytes: Uint8Array): ScenePlan => parseStored(key, scenePlanSchema, bytes);
/** Every reader, a valid message of it, and how such messages are packed. */
const readers = [
  { name: 'task', parse: parseTask, valid: task, pack },
  { name: 'event', parse: parseTaskEvent, valid: event, pack },
  { name: 'dead letter', parse: parseDeadLetter, valid: letter, pack },
  { name: 'plan', parse: (bytes: Uint8Array) => parsePlan('scenes/s/plan.json', bytes), valid: plan, pack: json },
  { name: 'ledger entry', parse: (bytes: Uint8Array) => parseStored('scenes/s/ledger/t.json', taskOutcomeSchema, bytes), valid: outcome, pack: json },
  { name: 'matches', parse: (bytes: Uint8Array) => parseAlignMatches('scenes/s/align/0_1/w.json', bytes), valid: matches, pack: json },
] as const;

/** Packs anything, also what we never send. */
function pack(value: unknown): Uint8Array {
  return new Packr({ useRecords: false, moreTypes: true, structuredClone: false }).pack(value);
}

/** A message, or our error with a text of a bearable length. */
function readsOrRefuses(parse: (bytes: Uint8Array) => unknown, bytes: Uint8Array): boolean {
  try {
    parse(bytes);
    return true;
  } catch (error) {
    if (!(error instanceof MalformedMessageError) || error.message.length > 5000) throw error;
    return false;
  }
}

const seed = 20_261_123;
const hostileValues: readonly unknown[] = [
  null, undefined, NaN, Infinity, -Infinity, -1, 0, 1.5, 2 ** 53, 1e308, -0, '', 'x'.repeat(5000), '../../etc/passwd', '\0', '\ud800', true, [], {}, [[[[]]]],
  { toString: 1 }, { constructor: null }, 2, '1', new Uint8Array(3), 10n ** 30n, new Date(0), new Set([1]), /(a+)+$/,
];

/** A copy with one field, however deep, replaced or left out. */
function changed(value: unknown, path: readonly number[], to: unknown, leavesOut: boolean): unknown {
  const [step, ...rest] = path;
  if (step === undefined || value === null || typeof value !== 'object' || value instanceof Uint8Array) return to;
  const entries = Object.entries(value);
  const index = step % Math.max(1, entries.length);
  const copy = entries.flatMap(([key, part], i): [string, unknown][] =>
    (i !== index ? [[key, part]] : leavesOut && rest.length === 0 ? [] : [[key, changed(part, rest, to, leavesOut)]]));
  return Array.isArray(value) ? copy.map(([, part]) => part) : Object.fromEntries(copy);
}

for (const { name, parse, valid, pack: packed } of readers) {
  test(`${name}: what was packed reads back`, (t) => {
    t.deepEqual(parse(packed(valid)) as unknown, JSON.parse(JSON.stringify(valid), (key, value: unknown) => (key === 'task' ? letter.task : value)));
  });

  test(`${name}: arbitrary bytes are refused, by our error`, (t) => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => !readsOrRefuses(parse, bytes)), { seed, numRuns: 2000 });
    t.pass();
  });

  test(`${name}: a message with damaged, inserted and cut bytes is read or refused, by our error`, (t) => {
    const whole = packed(valid);
    const damage = fc.record({
      changes: fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { maxLength: 8 }), cut: fc.option(fc.nat(whole.length)), insert: fc.uint8Array({ maxLength: 6 }),
      at: fc.nat(whole.length),
    });
    fc.assert(fc.property(damage, ({ changes, cut, insert, at }) => {
      const bytes = Uint8Array.from([...whole.subarray(0, at), ...insert, ...whole.subarray(at)]);
      for (const [i, value] of changes) bytes[i] = value;
      readsOrRefuses(parse, bytes.subarray(0, cut ?? bytes.length));
    }), { seed, numRuns: 1500 });
    t.pass();
  });

  test(`${name}: any field with any value, or left out, is read or refused, by our error`, (t) => {
    const change = fc.tuple(fc.array(fc.nat(40), { minLength: 1, maxLength: 4 }), fc.constantFrom(...hostileValues), fc.boolean());
    fc.assert(fc.property(change, ([path, to, leavesOut]) => {
      const message = changed(valid, path, to, leavesOut);
      let bytes: Uint8Array;
      try {
        bytes = packed(message);
      } catch {
        return; // JSON has no such value
      }
      readsOrRefuses(parse, bytes);
    }), { seed, numRuns: 2000 });
    t.pass();
  });
}

const refused = (t: ExecutionContext, run: () => unknown, message: RegExp): void => { t.throws(run, { instanceOf: MalformedMessageError, message }); };

test('what is too large is refused before it is decoded', (t) => {
  refused(t, () => parseTask(new Uint8Array(maxMessageBytes + 1)), /^task: 262145 bytes, at most 262144 are read$/);
  refused(t, () => parsePlan('scenes/s/plan.json', new Uint8Array(2 ** 26 + 1)), /^scenes\/s\/plan\.json: 67108865 bytes/);
});

test('a future version is told before its fields are', (t) => {
  refused(t, () => parseTask(pack({ v: 2, of: 'tomorrow' })), /^task: protocol version 2, this program reads 1; run the same Altiplano version everywhere$/);
  refused(t, () => parseTask(pack({ ...task, v: { toString: null } })), /version \(field 'v' is not a number\)/);
  refused(t, () => parsePlan('p', json({ ...plan, v: undefined })), /version \(field 'v' is missing\)/);
});

test('headers that announce more than there is cost nothing', (t) => {
  for (const header of [[0xdd, 0xff, 0xff, 0xff, 0xff], [0xdf, 0xff, 0xff, 0xff, 0xff], [0xdb, 0xff, 0xff, 0xff, 0xff], [0xc6, 0xff, 0xff, 0xff, 0xff], [0xc9, 0xff, 0xff, 0xff, 0xff, 1]]) {
    refused(t, () => parseTask(Uint8Array.from(header)), /not a msgpack message/);
  }
  // Arrays in arrays, as deep as the stack and deeper.
  refused(t, () => parseTask(new Uint8Array(200_000).fill(0x91)), /not a msgpack message/);
  refused(t, () => parsePlan('p', Buffer.from('['.repeat(200_000))), /not JSON/);
});

test('a message can neither refer to its own parts nor reach prototypes', (t) => {
  const cyclic: Record<string, unknown> = { v: 1 };
  cyclic['self'] = cyclic;
  refused(t, () => parseTask(new Packr({ useRecords: false, structuredClone: true }).pack(cyclic)), /not a msgpack message/);
  const polluted = Buffer.from(JSON.stringify(outcome).replace('"stages":{', '"stages":{"__proto__":{"polluted":1},'));
  readsOrRefuses((bytes) => parseStored('k', taskOutcomeSchema, bytes), polluted);
  t.false('polluted' in {});
});

test('numbers that are none, or can be no camera and no grid, are named', (t) => {
  const cases: readonly (readonly [RegExp, Record<string, unknown>])[] = [
    [/field 'ref\.rpc\.lonOff'/, { ref: { ...image, rpc: { ...rpc, lonOff: NaN } } }],
    [/field 'sec\.rpc\.colNum\.3'/, { sec: { ...image, rpc: { ...rpc, colNum: rpc.colNum.map((c, i) => (i === 3 ? Infinity : c)) } } }],
    [/field 'ref\.rpc\.altScale': a scale must not be 0/, { ref: { ...image, rpc: { ...rpc, altScale: 0 } } }],
    [/field 'grid\.width'/, { grid: { ...task.grid, width: 2 ** 40 } }],
    [/field 'grid\.resolution'/, { grid: { ...task.grid, resolution: 0 } }],
    [/field 'heightRange': expected the lowest height first/, { heightRange: [200, 0] }],
    [/field 'params\.maxDisparities'/, { params: { ...params, maxDisparities: 1e9 } }],
  ];
  for (const [message, change] of cases) refused(t, () => parseTask(pack({ ...task, ...change })), message);
});

test('ids that would be paths or other subjects are named', (t) => {
  for (const taskId of ['../x', '/x', 'a/b', 'a.b', 'a b', '*', '>', '', 'x'.repeat(121), 'ä', '%2e%2e', 'a\0']) {
    refused(t, () => parseTask(pack({ ...task, taskId })), /field 'taskId': expected 1 to 120 of/);
    refused(t, () => parseTask(pack({ ...task, tileId: taskId })), /field 'tileId'/);
  }
  for (const sceneId of ['..', 'A', 'a/b', 'x'.repeat(64), '-a', 'a.b', '']) refused(t, () => parseTask(pack({ ...task, sceneId })), /field 'sceneId': a scene id is/);
});
