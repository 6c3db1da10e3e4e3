// SPDX-License-Identifier: Apache-2.0
import type { Unpackr } from 'msgpackr';
import { type StereoTask, repeatedParts, variedPartsSchema } from './task.js';

type Parts = Pick<StereoTask, typeof repeatedParts[number]>;

export interface RepeatedParts {
  /** A message of a tile's task whose repeated parts were seen before; null where they weren't, or where anything is unusual: then it is to be parsed as a whole. */
  parse(bytes: Uint8Array): StereoTask | null;
  /** Keeps the repeated parts of a message that was parsed as a whole, for the next ones. */
  keep(bytes: Uint8Array, task: StereoTask): void;
}

/** Pairs and levels whose tasks come in turns. */
const mostKept = 8;
/** Every message is a map with its size in two bytes (source: msgpack's map 16). */
const [map16, mapHeaderBytes] = [0xde, 3];

/**
 * Images with their cameras, corrections and parameters are nine tenths of a tile's message, and the same in thousands of them. They are written side
 * by side, so what comes before them is unpacked, they are compared with those seen before, byte by byte, and what follows is unpacked: nothing is
 * unpacked or checked twice, and thousands of tasks share one copy.
 */
export function openRepeatedParts(unpackr: Pick<Unpackr, 'unpackMultiple'>): RepeatedParts {
  const kept: { readonly bytes: Uint8Array; readonly parts: Parts }[] = [];

  return {
    parse(bytes) {
      if (kept.length === 0 || bytes[0] !== map16) return null;
      try {
        const entries: unknown[] = [];
        let from = -1;
        unpackr.unpackMultiple(bytes.subarray(mapHeaderBytes), (value: unknown, start?: number) => {
          if (start !== undefined && entries.length % 2 === 0 && value === repeatedParts[0]) from = start + mapHeaderBytes;
          else entries.push(value);
          return from < 0;
        });
        const known = from < 0 ? undefined : kept.find((one) => isAt(bytes, from, one.bytes));
        if (known === undefined) return null;
        const rest = bytes.subarray(from + known.bytes.length);
        if (rest.length > 0) entries.push(...unpackr.unpackMultiple(rest) ?? []);
        if (entries.length / 2 + repeatedParts.length !== (bytes[1] ?? 0) * 256 + (bytes[2] ?? 0)) return null;
        const varied: Record<string, unknown> = {};
        for (let i = 0; i < entries.length; i += 2) {
          const key = entries[i];
          if (typeof key !== 'string' || key === '__proto__') return null;
          varied[key] = entries[i + 1];
        }
        const checked = variedPartsSchema.safeParse(varied);
        // What zod made is ours to complete; copying both into a new object took as long as all before.
        return checked.success ? Object.assign(checked.data, known.parts) : null;
      } catch {
        return null; // no msgpack: told where it is parsed as a whole
      }
    },
    keep(bytes, { ref, sec, correction, params }) {
      if (bytes[0] !== map16) return;
      const keys: unknown[] = [];
      let [entries, from, to] = [0, -1, -1];
      unpackr.unpackMultiple(bytes.subarray(mapHeaderBytes), (value: unknown, start = 0, end = 0) => {
        if (entries++ % 2 === 0) {
          if (value === repeatedParts[0]) from = start;
          if (from >= 0) keys.push(value);
        } else if (keys.length === repeatedParts.length) to = end;
        return to < 0;
      });
      if (to < 0 || repeatedParts.some((key, i) => keys[i] !== key)) return;
      kept.unshift({ bytes: bytes.slice(from + mapHeaderBytes, to + mapHeaderBytes), parts: { ref, sec, correction, params } });
      kept.length = Math.min(kept.length, mostKept);
    },
  };
}

const isAt = (bytes: Uint8Array, from: number, wanted: Uint8Array): boolean =>
  bytes.length >= from + wanted.length && Buffer.compare(bytes.subarray(from, from + wanted.length), wanted) === 0;
