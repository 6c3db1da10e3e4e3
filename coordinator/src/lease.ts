// SPDX-License-Identifier: Apache-2.0
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import {
  AltiplanoError, type Beat, type Lease, ObjectMissingError, beatKey, beatSchema, epochOfKey, leaseKey, leasesPrefix,
} from '@altiplano/protocol';
import { type Clock, type ObjectStore, systemClock } from '@altiplano/protocol/io';
import { type LeaseTimes, type Sighting, type Watch, afterLook, isInForce, leaseTimes, mayClaim } from './lease-rules.js';
import { messageOf } from './message-of.js';

/** This coordinator doesn't coordinate any more; whatever it was about to do is another's now. */
export class LeaseLostError extends AltiplanoError {
  constructor(message: string) { super('lease-lost', message, { retry: 'later' }); }
}

/** The right to coordinate, as long as it lasts. */
export interface HeldLease {
  /** The number of this lease: higher than that of any before. */
  readonly epoch: number;
  /** Aborts with a LeaseLostError when the lease is over. */
  readonly signal: AbortSignal;
  /** Throws LeaseLostError unless the lease is in force by this machine's clock. */
  check(): void;
  /** Asks the store, too: throws LeaseLostError where another has taken over. To be called right before what can't be undone. */
  verify(): Promise<void>;
  /** Ends it in good order: a standby takes over at its next look. Called again it waits for the same end. */
  release(): Promise<void>;
}

export interface LeasePorts {
  readonly store: Pick<ObjectStore, 'get' | 'put' | 'putIfAbsent' | 'list' | 'delete'>;
  /** A coordinator's name for people. */
  readonly name: string;
  /** Monotonic. */
  readonly clock?: Clock;
  readonly times?: LeaseTimes;
  readonly onProblem?: (message: string) => void;
  /** Called with the epoch in force when it is another's and changes. */
  readonly onStandby?: (epoch: number) => void;
}

/**
 * Waits until nobody else coordinates and takes the lease: epoch n belongs to whoever made `coordinator/leases/<n>.json` first, which
 * the store decides. Rejects with the signal's reason on abort; a store that is away is waited out.
 */
export async function claimLease(ports: LeasePorts, signal: AbortSignal): Promise<HeldLease> {
  const { store, name, clock = systemClock, times = leaseTimes, onProblem, onStandby } = ports;
  let watch: Watch | null = null;
  for (;;) {
    signal.throwIfAborted();
    try {
      const next: Watch = afterLook(watch, await look(store), clock.now());
      if (next.epoch !== watch?.epoch && next.epoch > 0 && !next.isReleased) onStandby?.(next.epoch);
      watch = next;
      if (mayClaim(watch, clock.now(), times)) {
        const claimedAt = clock.now();
        const epoch = watch.epoch + 1;
        const lease: Lease = { v: 1, epoch, coordinator: name, host: hostname(), pid: process.pid, at: new Date().toISOString(), nonce: randomUUID() };
        if (await putOwn(store, leaseKey(epoch), JSON.stringify(lease))) return holdLease({ ...ports, clock, times }, epoch, claimedAt);
        watch = null;
        continue;
      }
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      onProblem?.(`lease: ${messageOf(error)}; looking again`);
    }
    await pause(clock, times.lookMs, signal);
  }
}

/** True also where an answer that was lost makes our own object look like another's. */
async function putOwn(store: LeasePorts['store'], key: string, text: string): Promise<boolean> {
  return (await store.putIfAbsent(key, new TextEncoder().encode(text))) || new TextDecoder().decode(await store.get(key)) === text;
}

async function highestEpoch(store: Pick<ObjectStore, 'list'>): Promise<number> {
  let epoch = 0;
  for await (const key of store.list(leasesPrefix)) epoch = Math.max(epoch, epochOfKey(key) || 0);
  return epoch;
}

async function look(store: Pick<ObjectStore, 'get' | 'list'>): Promise<Sighting> {
  const epoch = await highestEpoch(store);
  if (epoch === 0) return { epoch, beat: null, isReleased: false };
  try {
    const beat = new TextDecoder().decode(await store.get(beatKey(epoch)));
    const parsed = beatSchema.safeParse(jsonOrNull(beat));
    return { epoch, beat, isReleased: parsed.success && parsed.data.released };
  } catch (error) {
    if (error instanceof ObjectMissingError) return { epoch, beat: null, isReleased: false };
    throw error;
  }
}

function jsonOrNull(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Leases this old are swept, with their beats: nobody who still waits for one can win it. */
const keptEpochs = 16;

function holdLease(ports: LeasePorts & { readonly clock: Clock; readonly times: LeaseTimes }, epoch: number, claimedAt: number): HeldLease {
  const { store, clock, times, onProblem } = ports;
  const over = new AbortController();
  let [renewedAt, count] = [claimedAt, 0];
  const lose = (why: string): void => { if (!over.signal.aborted) over.abort(new LeaseLostError(`lease ${epoch}: ${why}`)); };
  const check = (): void => {
    if (!isInForce(renewedAt, clock.now(), times)) lose(`not renewed for ${Math.round(clock.now() - renewedAt)} ms`);
    over.signal.throwIfAborted();
  };
  const verify = async (): Promise<void> => {
    check();
    const highest = await highestEpoch(store);
    if (highest !== epoch) lose(`epoch ${highest} has taken over`);
    check();
  };
  const putBeat = async (released: boolean): Promise<void> => {
    count += 1;
    const beat: Beat = { v: 1, epoch, count, at: new Date().toISOString(), released };
    await store.put(beatKey(epoch), new TextEncoder().encode(JSON.stringify(beat)), { isRepeatable: true });
  };
  const beat = async (): Promise<void> => {
    const sentAt = clock.now();
    try {
      await putBeat(false);
      if (isInForce(renewedAt, clock.now(), times)) renewedAt = sentAt;
      await verify();
    } catch (error) {
      if (!over.signal.aborted) onProblem?.(`lease ${epoch}: ${messageOf(error)}; renewing again`);
    }
  };
  const beating = (async () => {
    await beat();
    await sweep(store, epoch).catch((error: unknown) => onProblem?.(`lease ${epoch}: old leases are left: ${messageOf(error)}`));
    while (!over.signal.aborted) {
      await pause(clock, times.beatMs, over.signal).catch(() => undefined);
      if (!over.signal.aborted) await beat();
    }
  })();
  // A beat may hang, or the whole process have been paused: the watch doesn't depend on it.
  const watching = (async () => {
    while (!over.signal.aborted) {
      await pause(clock, Math.max(1, renewedAt + times.ownerMs - clock.now()), over.signal).catch(() => undefined);
      if (!isInForce(renewedAt, clock.now(), times)) lose(`not renewed for ${Math.round(clock.now() - renewedAt)} ms`);
    }
  })();

  const release = async (): Promise<void> => {
    const wasHeld = !over.signal.aborted;
    lose('released');
    await Promise.all([beating, watching]);
    if (wasHeld) await putBeat(true);
  };
  let releasing: Promise<void> | null = null;
  return { epoch, signal: over.signal, check, verify, release: () => (releasing ??= release()) };
}

async function sweep(store: LeasePorts['store'], epoch: number): Promise<void> {
  const old: number[] = [];
  for await (const key of store.list(leasesPrefix)) if (epochOfKey(key) <= epoch - keptEpochs) old.push(epochOfKey(key));
  for (const past of old) {
    await store.delete(beatKey(past));
    await store.delete(leaseKey(past));
  }
}

/** Rejects with the signal's reason on abort. */
async function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  await new Promise<void>((resolve, reject) => {
    const onAbort = (): void => {
      cancel();
      reject(signal.reason);
    };
    const cancel = clock.after(ms, () => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    });
    signal.addEventListener('abort', onAbort, { once: true });
  });
}
