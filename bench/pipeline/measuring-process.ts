// SPDX-License-Identifier: Apache-2.0
// A process that measures one run: told which, it answers with what was measured, and ends when its parent hangs up (measure-together.ts).
import { type RunMeasure, type RunRequest, measureRun } from './measure-run.js';

export type MeasuringReply =
  /** Loaded: a run could begin at once. */
  | { readonly is: 'ready' }
  | { readonly is: 'measured'; readonly run: RunMeasure }
  | { readonly is: 'failed'; readonly error: unknown };

const reply = (message: MeasuringReply): void => { process.send?.(message); };
process.once('message', (request: RunRequest) => {
  void measureRun(request).then((run): MeasuringReply => ({ is: 'measured', run }), (error: unknown): MeasuringReply => ({ is: 'failed', error })).then(reply);
});
reply({ is: 'ready' });
