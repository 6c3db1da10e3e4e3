// SPDX-License-Identifier: Apache-2.0
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { replyOf } from '../harness/child-reply.js';
import { measureRun, type RunMeasure, type RunRequest } from './measure-run.js';
import type { MeasuringReply } from './measuring-process.js';

/**
 * Measures runs that begin at the same moment; several by a process of its own each, because the system's sum of CPU over the children of a
 * process can't tell its children apart. Where one fails, the others are measured to their end, so that no program is left behind.
 */
export async function measureTogether(requests: readonly RunRequest[]): Promise<RunMeasure[]> {
  const [first, ...others] = requests;
  if (first !== undefined && others.length === 0) return [await measureRun(first)];
  const program = fileURLToPath(new URL('./measuring-process.js', import.meta.url));
  // 'advanced' keeps NaN and errors, which JSON doesn't.
  const measuring = requests.map((request) => ({ request, child: fork(program, { serialization: 'advanced' }) }));
  try {
    await Promise.all(measuring.map(({ child }) => replyOf<MeasuringReply, 'ready'>(child, 'ready')));
    const ends = await Promise.allSettled(measuring.map(({ request, child }) => {
      const end = replyOf<MeasuringReply, 'measured' | 'failed'>(child, 'measured', 'failed');
      child.send(request);
      return end;
    }));
    return ends.map((end) => {
      if (end.status === 'rejected') throw end.reason;
      if (end.value.is === 'failed') throw end.value.error;
      return end.value.run;
    });
  } finally {
    for (const { child } of measuring) if (child.connected) child.disconnect();
  }
}
