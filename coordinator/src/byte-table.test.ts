// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import fc from 'fast-check';
import { byteAt, editBytes, makeByteTable } from './byte-table.js';

test('a table reads as an array that is copied at every change, and earlier tables stay as they were', (t) => {
  const length = 2500;
  const change = fc.array(fc.tuple(fc.nat(length - 1), fc.nat(255)), { maxLength: 5 });
  fc.assert(fc.property(fc.array(change, { maxLength: 8 }), (changes) => {
    const states = [{ table: makeByteTable(length), array: new Uint8Array(length) }];
    for (const sets of changes) {
      const last = states.at(-1);
      if (!last) return;
      const { table, array } = last;
      const edit = editBytes(table);
      const copy = Uint8Array.from(array);
      for (const [index, value] of sets) {
        edit.set(index, value);
        copy[index] = value;
        t.is(edit.get(index), value);
      }
      const next = edit.end();
      if (sets.length === 0) t.is(next, table);
      states.push({ table: next, array: copy });
    }
    for (const { table, array } of states) t.deepEqual(Uint8Array.from({ length }, (_, i) => byteAt(table, i)), array);
  }), { numRuns: 50 });
});

test('outside of a table is an error', (t) => {
  t.throws(() => byteAt(makeByteTable(3), 3), { instanceOf: RangeError });
  t.throws(() => editBytes(makeByteTable(3)).get(-1), { instanceOf: RangeError });
});
