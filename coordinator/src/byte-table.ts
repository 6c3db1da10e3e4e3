// SPDX-License-Identifier: Apache-2.0
/**
 * Numbers from 0 to 255 by index. A table is never changed: a changed copy shares every chunk but those that
 * differ, so a copy costs a chunk and the list of chunks, however long the table is.
 */
export interface ByteTable {
  readonly length: number;
  readonly chunks: readonly Uint8Array[];
}

/** A changed copy in the making. */
export interface ByteEdit {
  readonly get: (index: number) => number;
  set(index: number, value: number): void;
  /** The copy; the very same table where nothing was set. */
  end(): ByteTable;
}

const chunkBits = 10;
const chunkBytes = 1 << chunkBits;

/** A table of zeros. */
export function makeByteTable(length: number): ByteTable {
  const zeros = new Uint8Array(chunkBytes);
  return { length, chunks: Array<Uint8Array>(Math.ceil(length / chunkBytes)).fill(zeros) };
}

/** Throws RangeError outside of the table. */
export function byteAt({ length, chunks }: ByteTable, index: number): number {
  const byte = index < length ? chunks[index >> chunkBits]?.[index & (chunkBytes - 1)] : undefined;
  if (byte === undefined) throw new RangeError(`no byte ${index} in a table of ${length}`);
  return byte;
}

/** Begins a changed copy of a table. */
export function editBytes(table: ByteTable): ByteEdit {
  let chunks: Uint8Array[] | null = null;
  const own = new Map<number, Uint8Array>();
  return {
    get: (index) => own.get(index >> chunkBits)?.[index & (chunkBytes - 1)] ?? byteAt(table, index),
    set(index, value) {
      const number = index >> chunkBits;
      let chunk = own.get(number);
      if (chunk === undefined) {
        chunk = table.chunks[number]?.slice() ?? new Uint8Array(0);
        own.set(number, chunk);
        chunks ??= [...table.chunks];
        chunks[number] = chunk;
      }
      chunk[index & (chunkBytes - 1)] = value;
    },
    end: () => (chunks === null ? table : { length: table.length, chunks }),
  };
}
