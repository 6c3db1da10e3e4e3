// SPDX-License-Identifier: Apache-2.0
import { createRequire } from 'node:module';

/** A tile in native memory, with the inputs of every kernel. */
declare const tileBrand: unique symbol;
export interface BenchTile { readonly [tileBrand]: true }

/** A rectified pair: (height, width) and (height, secWidth), row-major. Reference (u, v) matches secondary (u + d + secOffset, v), low <= d < low + count. */
export interface BenchPair {
  readonly ref: Float32Array; readonly sec: Float32Array; readonly low: Int16Array;
  readonly width: number; readonly height: number; readonly secWidth: number;
  readonly count: number; readonly secOffset: number;
  /** What the sensor delivers; rectify reads bytes or 16-bit numbers. */
  readonly is8Bit: boolean;
}

/** Seconds. cpu: by each thread's own clock, repetition by repetition with all threads of one together; wall: per repetition, from the common start to the last end. */
export interface NativeTimes { readonly cpu: Float64Array; readonly wall: Float64Array }

/** `amount`: bytes moved, or lane bytes operated on, per thread and repetition. */
export interface LimitTimes extends NativeTimes { readonly amount: number }

/** The benches' own addon (kernels/bench). Forcing a SIMD target is for the whole process: nothing else may run kernels meanwhile. '' = the best. */
export interface NativeBench {
  /** SIMD targets of this CPU, the best first. */
  targets(): string[];
  /** Kernels in the order of the road. */
  stages(): { readonly name: string; readonly hasTwin: boolean }[];
  /** Copies the pair and runs the whole road once, so that every kernel has its input. */
  openTile(pair: BenchPair): BenchTile;
  closeTile(tile: BenchTile): void;
  /** Times a stage, one thread per tile, all at the same time. */
  timeStage(run: { readonly tiles: readonly BenchTile[]; readonly stage: string; readonly target: string; readonly repetitions: number }): NativeTimes;
  /** Runs a stage, or its slow twin, and hashes all it wrote. */
  digest(run: { readonly tile: BenchTile; readonly stage: string; readonly target: string; readonly twin: boolean }): string;
  /** (height, width): what the whole road makes of the pair. */
  filteredDisparity(tile: BenchTile): Float32Array;
  /** (height, width): what the stage of matching that ran last on the tile made of the pair. */
  stageDisparity(tile: BenchTile): Float32Array;
  /** Passes over arrays of `bytes` in all, per thread. */
  timeStream(run: {
    readonly kind: 'read' | 'copy' | 'triad'; readonly bytes: number; readonly threads: number; readonly repetitions: number; readonly passes: number;
  }): LimitTimes;
  /** Vector operations on registers alone. */
  timeArithmetic(run: {
    readonly kind: 'int8' | 'int16' | 'float'; readonly target: string; readonly threads: number; readonly repetitions: number; readonly rounds: number;
  }): LimitTimes;
}

/** Loads the benches' addon; `npm run build` makes it beside the product's. */
export function loadNativeBench(): NativeBench {
  return createRequire(import.meta.url)('../../build/Release/altiplano_kernels_bench.node') as NativeBench;
}
