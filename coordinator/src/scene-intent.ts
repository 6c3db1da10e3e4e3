// SPDX-License-Identifier: Apache-2.0
import type { SceneOrder, SceneStatus } from '@altiplano/protocol';

/** What a scene's orders, all in all, ask for. */
export interface SceneIntent {
  readonly wants: 'run' | 'cancel';
  /** The last order's number; 0: there is none. */
  readonly order: number;
  readonly keepsIntermediates: boolean;
}

/** The last run, resume or cancel counts; a replay asks for a run, too. What to keep is what the last `run` said. */
export function intentOf(orders: readonly SceneOrder[]): SceneIntent {
  const [last, run] = [orders.at(-1), orders.findLast((order) => order.type === 'run')];
  const isCancelled = orders.findLast((order) => order.by !== coordinatorName)?.type === 'cancel';
  return { wants: isCancelled ? 'cancel' : 'run', order: last?.number ?? 0, keepsIntermediates: run?.type === 'run' && run.keepIntermediates };
}

/** Who orders are by that the coordinator adds itself, where results are missing. */
export const coordinatorName = 'coordinator';

/** Whether a status already says how these orders ended, so that nothing is left but to tidy up. */
export const isObeyed = (status: SceneStatus | null, orders: readonly SceneOrder[]): boolean =>
  status !== null && ['done', 'partial', 'failed', 'cancelled'].includes(status.phase) && status.order >= intentOf(orders).order;
