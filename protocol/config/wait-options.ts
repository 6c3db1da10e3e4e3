// SPDX-License-Identifier: Apache-2.0
import { InvalidArgumentError, Option } from 'commander';

/** Parses seconds, fractions allowed, from `least` to `most`. */
export const seconds = (least: number, most: number) => (text: string): number => {
  const value = Number(text);
  if (text.trim() === '' || !(value >= least && value <= most)) throw new InvalidArgumentError(`Expected ${least} to ${most} seconds.`);
  return value;
};

/** The option that coordinators and agents of a cluster need alike. */
export const ackWaitOption = (): Option =>
  new Option('--ack-wait <seconds>', 'how long a task stays with an agent that gives no sign of life; give all coordinators and agents the same')
    .env('ALTIPLANO_ACK_WAIT').default(15).argParser(seconds(1, 3600));
