// SPDX-License-Identifier: Apache-2.0
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { ServiceUnavailableError, beatKey, leaseKey } from '@altiplano/protocol';
import { type ObjectStore, openMemoryStore } from '@altiplano/protocol/io';
import { type FakeClock, makeFakeClock } from '@altiplano/protocol/testing';
import { fencedStore } from './fenced-store.js';
import { type HeldLease, LeaseLostError, claimLease } from './lease.js';
import { afterLook, isInForce, leaseTimes, mayClaim } from './lease-rules.js';

const text = async (store: ObjectStore, key: string): Promise<string> => new TextDecoder().decode(await store.get(key));

/** A coordinator with a clock of its own: turning the clock lets it live, leaving it alone pauses it. */
function candidate(t: ExecutionContext, store: ObjectStore, name: string, clock: FakeClock = makeFakeClock()) {
  const leases: HeldLease[] = [];
  const gone = new AbortController();
  t.teardown(() => { gone.abort(); });
  const claiming = claimLease({ store, name, clock }, gone.signal).then((lease) => { leases.push(lease); }, () => undefined);
  return { clock, gone, claiming, lease: () => leases[0] ?? null };
}

/** Turns clocks together, in steps as small as a beat's part. */
async function pass(ms: number, ...clocks: readonly FakeClock[]): Promise<void> {
  for (let at = 0; at < ms; at += 250) {
    for (const clock of clocks) await clock.advance(250);
    for (let turn = 0; turn < 10; turn += 1) await new Promise((resolve) => { setImmediate(resolve); });
  }
}

test('the first to come leads, and a second one waits as long as it beats', async (t) => {
  const store = openMemoryStore();
  const first = candidate(t, store, 'first');
  await pass(500, first.clock);
  t.is(first.lease()?.epoch, 1);
  const second = candidate(t, store, 'second');
  await pass(60_000, first.clock, second.clock);
  t.is(second.lease(), null);
  t.notThrows(() => first.lease()?.check());
});

test('a leader that is gone is replaced within 10 s, by one of those that wait', async (t) => {
  const store = openMemoryStore();
  const first = candidate(t, store, 'first');
  await pass(3_000, first.clock);
  const others = ['a', 'b', 'c'].map((name) => candidate(t, store, name));
  await pass(5_000, first.clock, ...others.map(({ clock }) => clock));
  // Its clock stands still from here on: as after kill -9, nothing of it happens any more.
  await pass(8_000, ...others.map(({ clock }) => clock));
  const leading = others.filter(({ lease }) => lease() !== null);
  t.is(leading.length, 1);
  t.is(leading[0]?.lease()?.epoch, 2);
});

test('a leader that releases is replaced at the next look', async (t) => {
  const store = openMemoryStore();
  const first = candidate(t, store, 'first');
  await pass(3_000, first.clock);
  const second = candidate(t, store, 'second');
  await pass(500, first.clock, second.clock);
  await first.lease()?.release();
  t.throws(() => first.lease()?.check(), { instanceOf: LeaseLostError, message: /released/ });
  await pass(leaseTimes.lookMs + 250, second.clock);
  t.is(second.lease()?.epoch, 2);
});

test('a paused leader that wakes up knows at once that its time is over, and writes nothing', async (t) => {
  const store = openMemoryStore();
  const clock = makeFakeClock();
  const first = candidate(t, store, 'first', clock);
  await pass(3_000, clock);
  const lease = first.lease();
  if (lease === null) return t.fail();
  const fenced = fencedStore(store, lease);
  await fenced.put('before', Uint8Array.of(1));
  const second = candidate(t, store, 'second');
  await pass(10_000, second.clock);
  t.is(second.lease()?.epoch, 2);
  // It wakes up, and its clock says how long it slept.
  await clock.advance(10_000);
  t.true(lease.signal.aborted);
  const writes = [
    () => fenced.put('after', Uint8Array.of(1)), () => fenced.putIfAbsent('after', Uint8Array.of(1)), () => fenced.delete('before'),
    () => fenced.putFile('after', 'no-file'), () => fenced.putFileIfAbsent('after', 'no-file'),
  ];
  for (const write of writes) await t.throwsAsync(write(), { instanceOf: LeaseLostError });
  t.deepEqual([await store.has('before'), await store.has('after')], [true, false]);
});

test('a leader whose clock stood still with it, as in a paused machine, finds the higher epoch at its next beat, and deletes nothing before', async (t) => {
  const store = openMemoryStore();
  const first = candidate(t, store, 'first');
  await pass(3_000, first.clock);
  const lease = first.lease();
  if (lease === null) return t.fail();
  const second = candidate(t, store, 'second');
  await pass(10_000, second.clock);
  t.is(second.lease()?.epoch, 2);
  await store.put('mine', Uint8Array.of(1));
  t.notThrows(() => { lease.check(); }, 'by its own clock no time has passed');
  await t.throwsAsync(fencedStore(store, lease).delete('mine'), { instanceOf: LeaseLostError, message: /epoch 2 has taken over/ });
  t.true(await store.has('mine'));
});

test('a leader that can\'t reach the store stops before a standby may take over', async (t) => {
  const memory = openMemoryStore();
  let isAway = false;
  const store: ObjectStore = { ...memory, put: async (...args) => { if (isAway) throw new ServiceUnavailableError('away'); return memory.put(...args); } };
  const first = candidate(t, store, 'first');
  await pass(3_000, first.clock);
  isAway = true;
  const second = candidate(t, memory, 'second');
  let stoppedAt = 0;
  for (let ms = 0; second.lease() === null && ms < 20_000; ms += 250) {
    await pass(250, first.clock, second.clock);
    if (stoppedAt === 0 && first.lease()?.signal.aborted === true) stoppedAt = ms;
  }
  t.true(stoppedAt > 0, 'the leader stopped');
  t.is(second.lease()?.epoch, 2);
  t.true(first.lease()?.signal.aborted);
});

test('a lost answer to a claim is no lost lease', async (t) => {
  const memory = openMemoryStore();
  const store: ObjectStore = { ...memory, putIfAbsent: async (key, bytes) => { await memory.putIfAbsent(key, bytes); return false; } };
  const first = candidate(t, store, 'first');
  await pass(1_000, first.clock);
  t.is(first.lease()?.epoch, 1);
});

test('old leases are swept, and a damaged beat is one like any other', async (t) => {
  const store = openMemoryStore();
  for (let epoch = 1; epoch <= 30; epoch += 1) await store.put(leaseKey(epoch), new TextEncoder().encode('{}'));
  await store.put(beatKey(30), new TextEncoder().encode('half a be'));
  const next = candidate(t, store, 'next');
  await pass(leaseTimes.standbyMs + 2_000, next.clock);
  t.is(next.lease()?.epoch, 31);
  const left: string[] = [];
  for await (const key of store.list('coordinator/leases/')) left.push(key);
  t.is(left.length, 16);
  t.regex(await text(store, beatKey(31)), /"epoch":31/);
});

test('whatever clocks and looks do, nobody claims before the owner has stopped', (t) => {
  fc.assert(fc.property(
    fc.integer({ min: -1e9, max: 1e9 }), fc.integer({ min: 0, max: 20_000 }), fc.array(fc.integer({ min: 0, max: 3_000 }), { minLength: 1, maxLength: 30 }),
    (skew, delayMs, looks) => {
      // The last beat was sent at 0 by the owner's clock, and can be seen `delayMs` later; the standby's clock is `skew` ahead.
      let watch = null;
      let now = 0;
      for (const step of looks) {
        now += step;
        const beat = now >= delayMs ? 'last' : 'before';
        watch = afterLook(watch, { epoch: 1, beat, isReleased: false }, now + skew);
        if (beat === 'last' && mayClaim(watch, now + skew, leaseTimes)) t.false(isInForce(0, now, leaseTimes));
      }
    }), { seed: 20 });
  t.pass();
});
