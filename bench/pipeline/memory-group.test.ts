// SPDX-License-Identifier: Apache-2.0
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import { UsageError } from '../harness/options.js';
import { memoryPlace, openMemoryGroup } from './memory-group.js';

test("a process's place is told by control groups of version 1, also beside version 2, and of version 2 alone", (t) => {
  t.deepEqual(memoryPlace('9:name=systemd:/\n4:memory:/pods/a:b\n0::/\n'), { folder: '/sys/fs/cgroup/memory/pods/a:b', limitFile: 'memory.limit_in_bytes' });
  t.deepEqual(memoryPlace('5:cpu,memory:/x\n'), { folder: '/sys/fs/cgroup/memory/x', limitFile: 'memory.limit_in_bytes' });
  t.deepEqual(memoryPlace('0::/user.slice\n'), { folder: '/sys/fs/cgroup', limitFile: 'memory.max' });
});

test('where no group can be made the message says what to do, and nothing is left', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'altiplano-bench-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  // An ordinary folder: a group's limit appears by itself in a mount of control groups only.
  const error = await t.throwsAsync(openMemoryGroup(300, { folder, limitFile: 'memory.max' }), { instanceOf: UsageError });
  t.regex(error?.message ?? '', /^--memory 300: .*be root/);
  t.false(existsSync(join(folder, `altiplano-bench-${process.pid}`)));
});

test('the launcher moves a program into the group and hands its arguments on as they are', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'altiplano-bench-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const group = join(folder, `altiplano-bench-${process.pid}`);
  // As a mount of control groups would have made it.
  await mkdir(group);
  await writeFile(join(group, 'memory.max'), '');
  const { launcher: [shell = '', ...words] } = await openMemoryGroup(300, { folder, limitFile: 'memory.max' });
  t.is(await readFile(join(group, 'memory.max'), 'utf8'), String(300 * 2 ** 20));
  const { stdout } = await promisify(execFile)(shell, [...words, 'sh', '-c', `echo "$1 $$ $(cat '${group}/cgroup.procs')"`, 'sh', 'two  words']);
  const [, pid, member] = /^two {2}words (\d+) (\d+)\n$/.exec(stdout) ?? [];
  t.truthy(pid);
  t.is(member, pid);
});
