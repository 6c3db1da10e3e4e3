// SPDX-License-Identifier: Apache-2.0
import type { TaskDelivery } from '@altiplano/protocol/io';

/** How a delivery is answered: it ended, it comes again after a pause, or never. */
export type Answer = { readonly is: 'ack' } | { readonly is: 'retry'; readonly delayMs: number } | { readonly is: 'reject' };

/** Answers a delivery. Nothing else does. */
export async function settle(delivery: TaskDelivery, answer: Answer): Promise<void> {
  switch (answer.is) {
    case 'ack': return delivery.ack();
    case 'retry': return delivery.retry(answer.delayMs);
    case 'reject': return delivery.reject();
  }
}
