// SPDX-License-Identifier: Apache-2.0
// A process that measures one run: told which, it answers with what was measured, and ends when its parent hangs up (measure-together.ts).
import { type RunMeasure, type RunRequest, measureRun } from './measure-run.js';

export type MeasuringReply =
  /** Loaded: a run could begin at once. */
  | { readonly is: 'ready' }
  | { readonly is: 'measured'; readonly run: RunMeasure };

const reply = (message: MeasuringReply): void => { process.send?.(message); };
// What fails is not caught: it ends this process, which says why on standard error, and the parent knows.
process.once('message', (request: RunRequest) => { void measureRun(request).then((run) => { reply({ is: 'measured', run }); }); });
reply({ is: 'ready' });
