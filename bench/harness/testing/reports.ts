// SPDX-License-Identifier: Apache-2.0
// For tests only: reports with made-up figures.
import { type BenchReport, type MeasurementInput, reportSchema } from '../report.js';

/** A report with these measurements, else empty. */
export function makeReport(measurements: readonly MeasurementInput[], overrides: Partial<BenchReport> = {}): BenchReport {
  return reportSchema.parse({
    format: 'altiplano-bench-1', suite: 'made-up', date: '2026-01-02T03:04:05.000Z',
    machine: { cpu: 'Abacus 3000', arch: 'x64', os: 'Linux 6', cores: 2, memoryBytes: 2 ** 33, caches: { L1d: 32768, L2: 1 << 20 } },
    commit: { hash: '0123456789abcdef0123456789abcdef01234567', modified: false }, versions: { node: '20.0.0' }, parameters: {}, seconds: 1, measurements, ...overrides,
  });
}

/** A timed measurement in ms. */
export const timed = (name: string, samples: readonly number[], labels: Record<string, string | number> = {}): MeasurementInput =>
  ({ name, labels, unit: 'ms', better: 'lower', samples: [...samples] });
