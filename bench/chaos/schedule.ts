// SPDX-License-Identifier: Apache-2.0
import { type Random, makeRandom } from '../scenes/random.js';

/** Everything that can go wrong in a run, in words for the summary. */
export const faultKinds = {
  'agent-kill': 'an agent gets kill -9',
  'agent-pause': 'an agent gets SIGSTOP, mostly for longer than the ack wait of its tasks, then SIGCONT',
  'agent-drain': 'an agent gets SIGTERM',
  'coordinator-kill': 'a coordinator gets kill -9, mostly the leader',
  'coordinator-pause': 'a coordinator gets SIGSTOP, mostly for longer than its lease, then SIGCONT',
  'bus-kill': 'nats-server gets kill -9 and is started again with what it had stored',
  'bus-pause': 'nats-server gets SIGSTOP, then SIGCONT',
  'bus-wipe': 'nats-server gets kill -9, its storage is deleted, and it is started again with nothing',
  'bus-disorder': 'messages between nats-server and the programs come twice, late, out of order, or not at all',
  'store-errors': 'the object store answers 500 and 503',
  'store-slow': 'the object store takes its time, before and in the middle of answers',
  'store-silence': 'the object store does what it is asked and never answers',
  'store-cuts': 'connections to the object store drop: before it receives the request, in the middle of an upload, before an answer and in the middle of one',
  'clock-jump': "a program's clock jumps by hours while it runs",
  'poison': 'a kernel crashes on one tile until the scene is partial; then the tile is replayed',
} as const;

export type FaultKind = keyof typeof faultKinds;

export const isFaultKind = (name: string): name is FaultKind => Object.hasOwn(faultKinds, name);

/** One thing that goes wrong. What a kind has no use for is drawn all the same, and not looked at. */
export interface Fault {
  readonly kind: FaultKind;
  /** When: as soon as this share of the scene's tasks has ended, and then so many milliseconds later. */
  readonly progress: number;
  readonly delayMs: number;
  /** Which agent, counted from 0; of coordinators 0 is the leader of the moment. */
  readonly target: number;
  readonly lastsMs: number;
  /** Share of requests or messages that are hit. */
  readonly share: number;
  /** How far a clock jumps. */
  readonly jumpMinutes: number;
  /** Whoever draws by the way (which request, which message) starts from here. */
  readonly seed: number;
}

export interface Schedule {
  readonly seed: number;
  readonly store: 'file' | 's3';
  readonly agents: number;
  /** In the order of their moments. */
  readonly faults: readonly Fault[];
}

/** Seeds follow each other; streams that start from neighbours are mixed first. */
const mixed = (seed: number): Random => {
  const random = makeRandom(Math.imul(seed, 0x9e3779b1) ^ 0x5bd1e995);
  for (let i = 0; i < 4; i += 1) random();
  return random;
};

/** Poison has a scenario of its own; the others are as likely as each other. */
const poisonShare = 1 / 15;
/** S3 refuses a client whose clock is off by more than 15 minutes. */
const mostMinutesOnS3 = 10;

/**
 * What goes wrong in the run of a seed: two to five faults, the same ones for the same seed and `among`. In two of five runs the store is a
 * bucket, and one fault at least is the bucket's.
 */
export function scheduleOf(seed: number, among: readonly FaultKind[] = Object.keys(faultKinds).filter(isFaultKind)): Schedule {
  const random = mixed(seed);
  const between = (low: number, high: number): number => low + (high - low) * random();
  const pick = <T>(values: readonly T[], otherwise: T): T => values[Math.floor(random() * values.length)] ?? otherwise;
  const isOfStore = (kind: FaultKind): boolean => kind.startsWith('store-');
  const store = random() < 0.4 || among.every(isOfStore) ? 's3' : 'file';
  const draw = (kind: FaultKind): Fault => {
    const minutes = between(5, 600);
    return {
      kind,
      progress: random(),
      delayMs: Math.round(between(0, 150)),
      target: Math.floor(between(0, 6)),
      lastsMs: Math.round(between(...lastsMs[kind] ?? [1_000, 4_000])),
      share: between(0.05, 0.3),
      jumpMinutes: Math.round(store === 's3' ? minutes * mostMinutesOnS3 / 600 : minutes) * pick([-1, 1], 1),
      seed: Math.floor(random() * 2 ** 31),
    };
  };
  const others = among.filter((kind) => kind !== 'poison' && (store === 's3' || !isOfStore(kind)));
  const isPoison = among.includes('poison') && (others.length === 0 || random() < poisonShare);
  const count = 2 + Math.floor(random() * 4);
  const ofStore = others.filter(isOfStore);
  // Else a bucket would mostly work well.
  const kindOf = (number: number): FaultKind => pick(number === 0 && ofStore.length > 0 ? ofStore : others, 'agent-kill');
  const faults = isPoison ? [draw('poison')] : Array.from({ length: count }, (_, number) => draw(kindOf(number)));
  return { seed, store, agents: 2 + Math.floor(random() * 2), faults: faults.sort((a, b) => a.progress - b.progress) };
}

/** Shortest and longest, where it isn't a matter of seconds. Pauses are longer than most patience (see `hurried`), and some aren't. */
const lastsMs: Readonly<Partial<Record<FaultKind, readonly [number, number]>>> = {
  'bus-kill': [0, 1_000], 'bus-wipe': [0, 1_000], 'bus-pause': [500, 3_000], 'agent-pause': [500, 4_500], 'coordinator-pause': [500, 4_500],
};
