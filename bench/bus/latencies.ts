// SPDX-License-Identifier: Apache-2.0

/** Durations counted in bins that grow by 2 %, so that a million of them take no more room than one. */
export interface Latencies {
  add(ms: number): void;
  readonly count: number;
  /** The value below which `share` of the durations lie, to 1 %; NaN of none. */
  quantile(share: number): number;
}

const growth = Math.log(1.02);
const leastMs = 0.01;

export function openLatencies(): Latencies {
  const bins = new Float64Array(1000);
  let count = 0;
  return {
    add(ms) {
      const bin = Math.min(bins.length - 1, Math.max(0, Math.floor(Math.log(Math.max(ms, leastMs) / leastMs) / growth)));
      bins[bin] = (bins[bin] ?? 0) + 1;
      count += 1;
    },
    get count() { return count; },
    quantile(share) {
      let below = 0;
      for (let bin = 0; bin < bins.length; bin += 1) {
        below += bins[bin] ?? 0;
        if (count > 0 && below >= share * count) return leastMs * Math.exp((bin + 0.5) * growth);
      }
      return NaN;
    },
  };
}
