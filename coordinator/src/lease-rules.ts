// SPDX-License-Identifier: Apache-2.0
/**
 * How long who waits for what. The owner gives up before a standby can be sure of its end: it counts from before its last beat was
 * sent, a standby from when it first saw that beat, and `ownerMs` is less than `standbyMs`. Both by monotonic clocks of their own, so
 * no two clocks need to agree, and a clock that is set says nothing.
 */
export interface LeaseTimes {
  /** Between two beats. */
  readonly beatMs: number;
  /** Without a beat that arrived, the owner stops. */
  readonly ownerMs: number;
  /** Without a new beat to see, a standby takes over. */
  readonly standbyMs: number;
  /** Between two looks of a standby. */
  readonly lookMs: number;
}

/** The times where a standby takes over after `standbyMs`; all coordinators of a cluster need the same. */
export const leaseTimesOf = (standbyMs: number): LeaseTimes => ({ beatMs: standbyMs / 4, ownerMs: standbyMs * 5 / 6, standbyMs, lookMs: standbyMs / 6 });

/** Another coordinator takes over at most standbyMs + 2 lookMs after the last beat: 8 s. */
export const leaseTimes: LeaseTimes = leaseTimesOf(6_000);

/** The highest epoch and its beat, as read from the store: the beat's text, null where it has none yet. Epoch 0: nobody ever had the lease. */
export interface Sighting { readonly epoch: number; readonly beat: string | null; readonly isReleased: boolean }

/** What a standby has seen, and since when. */
export interface Watch extends Sighting { readonly since: number }

/** A look at the store: anything new starts the wait anew. */
export function afterLook(before: Watch | null, seen: Sighting, now: number): Watch {
  return before !== null && before.epoch === seen.epoch && before.beat === seen.beat ? before : { ...seen, since: now };
}

/** Whether a standby may claim the next epoch. */
export const mayClaim = ({ epoch, isReleased, since }: Watch, now: number, { standbyMs }: LeaseTimes): boolean =>
  epoch === 0 || isReleased || now - since >= standbyMs;

/** Whether an owner whose last beat to arrive was sent at `renewedAt` may still act. */
export const isInForce = (renewedAt: number, now: number, { ownerMs }: LeaseTimes): boolean => now - renewedAt < ownerMs;
