// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import test from 'ava';
import { parseField, parseStat, watchTree } from './process-tree.js';

test('a name with blanks and parentheses does not shift the fields of stat', (t) => {
  const text = '4711 (odd) name) S 815 1 1 0 -1 4194304 100 0 0 0 250 50 1000 23 20 0 1 0 1230833 3133440 408';
  t.deepEqual(parseStat(text), { parent: 815, cpuSeconds: 3, childrenCpuSeconds: 10.23 });
});

test('sizes in kB are bytes, plain numbers stay, and what is missing is 0', (t) => {
  const text = 'Name:\tx\nVmPeak:\t    9 kB\nVmHWM:\t    2288 kB\nrchar: 6976\n';
  t.is(parseField(text, 'VmHWM'), 2288 * 1024);
  t.is(parseField(text, 'rchar'), 6976);
  t.is(parseField(text, 'VmSwap'), 0);
});

/** Burns half a CPU second and holds 64 MB meanwhile, by its own clock: however busy the machine is. */
const burner = 'const held = Buffer.alloc(64e6, 1); while (process.cpuUsage().user < 0.5e6) held[0]++;';

test.serial("a grandchild's CPU time and memory are found, in the kernel's sum and by its command line", async (t) => {
  // The shell between is what the program under test has around its agents and its bus.
  const child = spawn('/bin/sh', ['-c', '"$@" & wait $!', 'between', process.execPath, '-e', burner, 'the-burner'], { stdio: 'ignore' });
  const watch = watchTree(child.pid ?? 0, 10);
  await once(child, 'exit');
  const { cpuSeconds, processes, peakTogetherBytes } = watch.stop();
  t.true(cpuSeconds >= 0.5, `${cpuSeconds} s`);
  const found = processes.find(({ command }) => command.at(-1) === 'the-burner' && command[0] === process.execPath);
  t.true(found !== undefined && found.cpuSeconds > 0.2 && found.cpuSeconds <= cpuSeconds, JSON.stringify(found));
  t.true(found !== undefined && found.peakBytes > 64e6 && peakTogetherBytes > 64e6, JSON.stringify(found));
  t.false(processes.some(({ pid }) => pid === process.pid), 'the watcher is not part of it');
});
