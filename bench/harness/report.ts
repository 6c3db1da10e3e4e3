// SPDX-License-Identifier: Apache-2.0
// What every suite of the bench hands over: measurements, tables and charts as plain data. The terminal, the JSON file, the HTML page
// and `bench compare` are made from nothing else. docs/decisions/0010-how-we-measure.md says why it looks like this.
import { z } from 'zod';

/** A share of something this machine can do at most, measured in the same run. 1 = the machine's limit; the largest share names what binds. */
const limitShare = z.strictObject({ name: z.string(), share: z.number().nonnegative() });

/** Something that must be so, in words: what, what was found, whether it holds. A check that doesn't hold makes the suite's exit code 1. */
const check = z.strictObject({ what: z.string(), found: z.string(), holds: z.boolean() });

const measurement = z.strictObject({
  /** What was measured: 'sgm', 'within 1 m'. */
  name: z.string().min(1),
  /** What tells it from others of its name, e.g. { size: 1024, range: 64, threads: 1, target: 'AVX3' }. Name and labels are its identity. */
  labels: z.record(z.string(), z.union([z.string(), z.number()])),
  /** Of the samples: 'ms', 'Mpx/s', 'm', '%'. */
  unit: z.string().min(1),
  better: z.enum(['higher', 'lower']),
  /** One per repetition, in the order measured; finite. */
  samples: z.array(z.number()).min(1),
  /** True where the same program gives the same value in every run (accuracy, bytes): any difference is a change, not noise. */
  exact: z.boolean().default(false),
  /** Figures that follow from the median, for people: { 'MDE/s': 1500 }. */
  derived: z.record(z.string(), z.number()).default({}),
  limits: z.array(limitShare).default([]),
  /** What was checked beside the time: equality with the slow twin, error against the truth. */
  correctness: z.array(check).default([]),
});

const table = z.strictObject({
  title: z.string(),
  /** How to read it; a sentence or two. */
  note: z.string().default(''),
  /** A name may have several lines. */
  columns: z.array(z.strictObject({ name: z.string(), align: z.enum(['left', 'right']).default('right') })).min(1),
  rows: z.array(z.array(z.string())),
});

const chart = z.discriminatedUnion('kind', [
  /** Operations per second over operations per byte, both logarithmic, under the machine's roofs. A dot per kernel. */
  z.strictObject({
    kind: z.literal('roofline'), title: z.string(), note: z.string().default(''), operation: z.string(),
    compute: z.array(z.strictObject({ name: z.string(), perSecond: z.number().positive() })),
    bandwidth: z.array(z.strictObject({ name: z.string(), bytesPerSecond: z.number().positive() })),
    dots: z.array(z.strictObject({ name: z.string(), perByte: z.number().positive(), perSecond: z.number().positive() })),
  }),
  /** Curves, e.g. throughput over the number of agents. `ideal` is drawn dashed. */
  z.strictObject({
    kind: z.literal('lines'), title: z.string(), note: z.string().default(''), x: z.string(), y: z.string(),
    series: z.array(z.strictObject({
      name: z.string(), ideal: z.boolean().default(false), points: z.array(z.tuple([z.number(), z.number()])).min(1),
    })),
  }),
  /** Where the time goes: one bar per run, made of its stages. */
  z.strictObject({
    kind: z.literal('stack'), title: z.string(), note: z.string().default(''), unit: z.string(),
    bars: z.array(z.strictObject({ name: z.string(), parts: z.array(z.strictObject({ name: z.string(), value: z.number().nonnegative() })) })),
  }),
  /** Bars side by side in groups, e.g. SIMD targets per kernel. low and high: quartiles, drawn as a whisker. */
  z.strictObject({
    kind: z.literal('bars'), title: z.string(), note: z.string().default(''), unit: z.string(),
    groups: z.array(z.strictObject({
      name: z.string(),
      bars: z.array(z.strictObject({
        name: z.string(), value: z.number().nonnegative(), low: z.number().nonnegative().optional(), high: z.number().nonnegative().optional(),
      })),
    })),
  }),
]);

/** What a suite's run returns. */
export const findingsSchema = z.strictObject({
  measurements: z.array(measurement),
  tables: z.array(table).default([]),
  charts: z.array(chart).default([]),
  /** What the suite as a whole must reach: goals, comparisons between measurements. */
  checks: z.array(check).default([]),
});

export const machineSchema = z.strictObject({
  cpu: z.string(), arch: z.string(), os: z.string(),
  cores: z.number(), memoryBytes: z.number(),
  /** Bytes by name (L1d, L2, L3), where the system tells. */
  caches: z.record(z.string(), z.number()),
});

/** A JSON file of the bench: findings, and what they were found with. */
export const reportSchema = findingsSchema.extend({
  format: z.literal('altiplano-bench-1'),
  suite: z.string(),
  date: z.iso.datetime(),
  machine: machineSchema,
  /** null outside a git checkout. `modified`: the checkout held uncommitted changes. */
  commit: z.strictObject({ hash: z.string(), modified: z.boolean() }).nullable(),
  /** { node: '20.20.2', altiplano: …, kernels: hash of the C++ sources }. */
  versions: z.record(z.string(), z.string()),
  /** The options the suite ran with. */
  parameters: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
  seconds: z.number(),
});

export type Check = z.infer<typeof check>;
export type LimitShare = z.infer<typeof limitShare>;
export type Measurement = z.infer<typeof measurement>;
export type Table = z.infer<typeof table>;
export type Chart = z.infer<typeof chart>;
/** As a suite writes it: what has a default may be left out. */
export type Findings = z.input<typeof findingsSchema>;
export type MeasurementInput = z.input<typeof measurement>;
export type TableInput = z.input<typeof table>;
export type ChartInput = z.input<typeof chart>;
export type Machine = z.infer<typeof machineSchema>;
export type BenchReport = z.infer<typeof reportSchema>;

/** Name and labels in a fixed order: the same measurement in two reports has the same key. */
export function measurementKey({ name, labels }: Pick<Measurement, 'name' | 'labels'>): string {
  return [name, ...Object.keys(labels).sort().map((label) => `${label}=${String(labels[label])}`)].join(' ');
}

/** Everything that should hold and doesn't. */
export const failedChecks = (report: BenchReport): Check[] => [...report.measurements.flatMap((m) => m.correctness), ...report.checks].filter((c) => !c.holds);
