// SPDX-License-Identifier: Apache-2.0
import type { Random } from '../scenes/random.js';
import type { Direction, Fate } from './bus-proxy.js';
import type { Frame } from './nats-frames.js';

/**
 * Fates for a share of the messages about tasks: tasks published and delivered, events, answers to deliveries. Nothing that NATS sends at most
 * once is sure to arrive, so any of it may get lost; what is published into a stream comes twice or late, as its publisher would repeat it.
 */
export function disorder(random: Random, share: number): (frame: Frame, direction: Direction) => Fate {
  return ({ subject }, direction) => {
    const isPublished = direction === 'to-server' && subject.startsWith('tasks.');
    if (!isPublished && !/^(tasks|events|\$JS\.ACK)\./.test(subject)) return 'pass';
    if (random() >= share) return 'pass';
    const fates: readonly Fate[] = isPublished ? ['twice', 'late'] : ['twice', 'twice', 'late', 'late', 'lost'];
    return fates[Math.floor(random() * fates.length)] ?? 'pass';
  };
}
