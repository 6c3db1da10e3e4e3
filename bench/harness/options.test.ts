// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { commonOptions, describeOptions, parseOptions, UsageError } from './options.js';

const specs = { ...commonOptions, size: { value: 'PX', help: 'side', default: '1024' }, offsets: { value: 'N,…', help: 'offsets' } };

test('what is not given has its default, or nothing', (t) => {
  const { options } = parseOptions([], specs);
  t.is(options.count('size'), 1024);
  t.is(options.text('json'), '');
  t.false(options.is('quick'));
  t.deepEqual(options.all, { size: '1024' });
});

test('--json without a file is standard output, wherever it stands', (t) => {
  for (const args of [['--json'], ['--json', '-'], ['--json', '--quick'], ['--json=-']]) t.is(parseOptions(args, specs).options.text('json'), '-', args.join(' '));
  t.is(parseOptions(['--json', 'a.json'], specs).options.text('json'), 'a.json');
});

test('numbers may be lists and negative', (t) => {
  t.deepEqual(parseOptions(['--offsets', '-4,3'], specs).options.counts('offsets', -10), [-4, 3]);
});

test('bad usage names the option and what there is', (t) => {
  t.throws(() => parseOptions(['--sise', '4'], specs), { instanceOf: UsageError, message: /--sise.*--size/s });
  t.throws(() => parseOptions(['--size', 'big'], specs).options.count('size'), { instanceOf: UsageError, message: /--size.*'big'/ });
  t.throws(() => parseOptions(['--size', '0'], specs).options.count('size'), { instanceOf: UsageError });
});

test('every option is described with its default', (t) => {
  t.regex(describeOptions(specs), /--size PX +side \(default: 1024\)\n/);
});
