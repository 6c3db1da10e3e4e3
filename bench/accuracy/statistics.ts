// SPDX-License-Identifier: Apache-2.0
import { quantile } from '@altiplano/coordinator';

/** The quantile of values in any order; NaN of none. */
export const quantileOf = (values: readonly number[], share: number): number => quantile(Float64Array.from(values).sort(), share);

export const medianOf = (values: readonly number[]): number => quantileOf(values, 0.5);
