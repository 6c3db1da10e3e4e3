// SPDX-License-Identifier: Apache-2.0
/**
 * What an agent with one slot holds beside its tile, MB: the runtime, two isolates, GDAL, PROJ and what aligning and coarse levels
 * left (measured: 262 to 289). Part of every task's estimate, so that estimate and peak of the process can be compared.
 */
export const agentProcessMb = 280;
