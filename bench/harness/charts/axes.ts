// SPDX-License-Identifier: Apache-2.0

/** Where a value lies on the page. */
export type Scale = (value: number) => number;

export const linearScale = (low: number, high: number, from: number, to: number): Scale => (value) => from + ((value - low) / (high - low)) * (to - from);

export const logScale = (low: number, high: number, from: number, to: number): Scale => {
  const linear = linearScale(Math.log(low), Math.log(high), from, to);
  return (value) => linear(Math.log(value));
};

/** Round numbers (1, 2 or 5 times a power of ten) from 0 to at least `high`, about `count` of them. */
export function linearTicks(high: number, count: number): number[] {
  if (!(high > 0)) return [0, 1];
  const rough = high / count, power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((factor) => factor * power >= rough * 0.999) ?? 10);
  const ticks: number[] = [];
  for (let i = 0; i === 0 || (ticks.at(-1) ?? 0) < high * 0.999; i++) ticks.push(Number((i * step).toPrecision(12)));
  return ticks;
}

/** The powers of ten that enclose the values. */
export function decades(values: readonly number[]): number[] {
  const low = Math.floor(Math.log10(Math.min(...values)) + 1e-9), high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...values)) - 1e-9));
  return Array.from({ length: high - low + 1 }, (_, i) => 10 ** (low + i));
}

/** 0.001, 1.5, 250, 10 k, 2 M, 3 G, 4 T. */
export function short(value: number): string {
  const [divisor, suffix] = value >= 1e12 ? [1e12, ' T'] : value >= 1e9 ? [1e9, ' G'] : value >= 1e6 ? [1e6, ' M'] : value >= 1e4 ? [1e3, ' k'] : [1, ''];
  const scaled = value / divisor;
  return `${scaled >= 100 || Number.isInteger(scaled) ? scaled.toFixed(0) : Number(scaled.toPrecision(2)).toString()}${suffix}`;
}
