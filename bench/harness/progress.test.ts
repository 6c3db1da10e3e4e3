// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { makeProgress } from './progress.js';

function fakeProgress(isTerminal: boolean) {
  let ms = 0, written = '';
  const progress = makeProgress('suite', { write: (text) => { written += text; }, isTerminal, columns: 40, now: () => ms });
  return { progress, pass: (more: number) => { ms += more; }, written: () => written };
}

test('on a terminal a step replaces the last one and is cut to its width', (t) => {
  const { progress, pass, written } = fakeProgress(true);
  progress.step(0, 4, 'first');
  pass(10_000);
  progress.step(1, 4, 'a name that is far too long for this terminal');
  progress.say('done');
  t.is(written(), '\r\x1b[Ksuite: 0 of 4: first\r\x1b[Ksuite: 1 of 4, about 30 s left: a name \r\x1b[Ksuite: done\n');
});

test('without a terminal steps are lines, and few', (t) => {
  const { progress, pass, written } = fakeProgress(false);
  for (let i = 0; i < 100; i++) {
    progress.step(i, 100, 'x');
    pass(1000);
  }
  progress.end();
  t.is(written().split('\n').length - 1, 10);
});
