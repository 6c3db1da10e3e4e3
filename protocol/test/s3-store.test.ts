// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import anyTest, { type ExecutionContext, type TestFn } from 'ava';
import { AccessDeniedError, InputError, ObjectMissingError, ServiceUnavailableError } from '../src/index.js';
import type { ObjectStore } from '../io/index.js';
import type { S3Options } from '../io/s3-requests.js';
import { openS3Store } from '../io/s3-store.js';
import { type Fault, type FaultyProxy, type ProxiedRequest, openFaultyProxy, seededFaults } from './faulty-proxy.js';
import { testObjectStore } from './object-store-conformance.js';
import { type S3Server, newBucket, openS3Server } from './s3-server.js';

const server = await openS3Server();
const test: TestFn = anyTest;
const seed = Number(process.env['ALTIPLANO_TEST_SEED'] ?? 20_240_607);

const quick: Partial<S3Options> = {
  region: 'us-east-1', retry: { attempts: 12, firstMs: 2, mostMs: 20 }, idleTimeoutMs: 10_000, requestTimeoutMs: 20_000, partsFromBytes: 6 << 20, partBytes: 5 << 20,
};
/** A name in the store's scratch folder; what is left of the file goes with the test. */
function scratchFile(t: ExecutionContext, store: ObjectStore): string {
  const path = join(store.scratchFolder, `altiplano-test-${randomBytes(6).toString('hex')}`);
  t.teardown(() => rm(path, { force: true }));
  return path;
}
const bytesOf = (text: string): Uint8Array => Buffer.from(text);

if (server === null) test('S3 tests are skipped: this machine has no S3 server', (t) => { t.pass(); });
else testWith(server);

function testWith(s3: S3Server): void {
  const { endpoint, credentials } = s3;
  test.after.always(() => s3.stop());
  const own = { ...quick, endpoint, credentials };
  const bucketOf = () => newBucket(s3);

  testObjectStore(test, 's3', async () => openS3Store(`s3://${await bucketOf()}/some/prefix`, own));

  const faults: readonly Fault[] = ['503', '500', 'refused', 'torn', 'lost', 'cut', 'garbled'];
  const proxies: FaultyProxy[] = [];
  test.after.always(() => Promise.all(proxies.map((proxy) => proxy.close())));
  // Ranges carry no hash of their own, so what is garbled there is TCP's and TLS's to find.
  const isWhole = ({ method, headers }: ProxiedRequest): boolean => method === 'GET' && headers.range === undefined;
  testObjectStore(test, `s3 on a bad network (seed ${seed})`, async () => {
    const next = seededFaults(seed + proxies.length, 0.15, faults);
    const proxy = await openFaultyProxy(endpoint, (request) => {
      const fault = next();
      return fault === 'garbled' && (!isWhole(request) || request.path.includes('list-type')) ? 'cut' : fault;
    });
    proxies.push(proxy);
    return openS3Store(`s3://${await bucketOf()}`, { ...own, endpoint: proxy.endpoint });
  });

  /** A store behind a proxy that does what the test says. */
  async function behind(t: ExecutionContext, faultOf: (request: ProxiedRequest, number: number) => Fault | null, options: Partial<S3Options> = {}) {
    const proxy = await openFaultyProxy(endpoint, faultOf);
    const bucket = await bucketOf();
    const store = await openS3Store(`s3://${bucket}/p`, { ...own, endpoint: proxy.endpoint, ...options });
    t.teardown(() => proxy.close());
    return { proxy, store, bucket };
  }
  const puts = ({ method }: ProxiedRequest): boolean => method === 'PUT';

  test('a put-if-absent whose answer was lost knows its own object when it is tried again', async (t) => {
    let lost = 0;
    const { store, proxy } = await behind(t, (request) => (puts(request) && lost++ === 0 ? 'lost' : null));
    t.true(await store.putIfAbsent('k', bytesOf('mine')));
    t.deepEqual(proxy.requests.filter(puts).map(({ fault }) => fault).slice(0, 2), ['lost', null]);
    t.false(await store.putIfAbsent('k', bytesOf('mine')), 'the same bytes of another writer');
  });

  test('a put-if-absent that failed before somebody else put the key says so', async (t) => {
    let other: Promise<boolean> | null = null;
    const direct: { store?: ObjectStore } = {};
    const { store, bucket } = await behind(t, (request) => {
      if (!puts(request) || other !== null) return null;
      other = direct.store?.putIfAbsent('k', bytesOf('theirs')) ?? null;
      return '503';
    }, { retry: { attempts: 12, firstMs: 200, mostMs: 200 } });
    direct.store = await openS3Store(`s3://${bucket}/p`, own);
    const mine = await store.putIfAbsent('k', bytesOf('mine'));
    t.is(mine, !(await (other ?? Promise.resolve(false))), 'one of the two');
    t.is(Buffer.from(await store.get('k')).toString(), mine ? 'mine' : 'theirs');
  });

  for (const fault of ['503', '500', 'refused', 'cut', 'silent', 'stalled', 'slow', 'garbled'] as const) {
    test(`reading an object survives: ${fault}`, async (t) => {
      let done = 0;
      const { store } = await behind(t, ({ method }) => (method === 'GET' && done++ < 2 ? fault : null), fault === 'silent' || fault === 'stalled' ? { idleTimeoutMs: 500 } : {});
      const bytes = randomBytes(200_000);
      await store.put('k', bytes);
      t.deepEqual(Buffer.from(await store.get('k')), bytes);
      t.true(done >= (fault === 'slow' ? 1 : 3));
    });
  }

  test('a store that stays away is said to be, with what was to be done', async (t) => {
    const { store, bucket, proxy } = await behind(t, () => '503', { retry: { attempts: 3, firstMs: 1, mostMs: 2 } });
    const error = await t.throwsAsync(store.put('a/b', bytesOf('x')), { instanceOf: ServiceUnavailableError });
    t.regex(error.message, new RegExp(`write s3://${bucket}/p/a/b at ${proxy.endpoint}.*SlowDown.*503`));
    t.is(proxy.requests.length, 3);
  });

  test('an abort ends a read that hangs, without another try', async (t) => {
    const abort = new AbortController();
    const { store, proxy } = await behind(t, ({ method }) => {
      if (method !== 'GET') return null;
      setImmediate(() => { abort.abort(); });
      return 'stalled';
    }, { idleTimeoutMs: 60_000 });
    await store.put('k', randomBytes(100_000));
    await t.throwsAsync(store.get('k', abort.signal), { any: true, name: 'AbortError' });
    t.is(proxy.requests.filter(({ method }) => method === 'GET').length, 1);
  });

  for (const [name, options] of [['in one request', {}], ['in parts', { conditionOnParts: true }]] as const) {
    test(`a large file is put ${name}, whatever the network does, and not over another`, async (t) => {
      const next = seededFaults(seed, 0.2, ['503', '500', 'refused', 'torn', 'lost']);
      const { store, proxy } = await behind(t, next, options);
      const bytes = randomBytes(13 << 20);
      const path = scratchFile(t, store);
      await writeFile(path, bytes);
      t.true(await store.putFileIfAbsent('big', path));
      await t.throwsAsync(stat(path), { code: 'ENOENT' });
      t.true(bytes.equals(await store.get('big')));
      await writeFile(path, 'no');
      t.false(await store.putFileIfAbsent('big', path));
      await writeFile(path, bytes);
      t.false(await store.putFileIfAbsent('big', path));
      t.is(proxy.requests.some((request) => request.path.includes('partNumber=')), 'conditionOnParts' in options);
      await writeFile(path, bytes.subarray(1));
      await store.putFile('big', path);
      t.true(bytes.subarray(1).equals(await store.get('big')));
      t.true(proxy.requests.some((request) => request.path.includes('partNumber=3')), 'what may replace goes in parts');
    });
  }

  test('an upload in parts that meets another writer is begun again, or is late', async (t) => {
    const completes = ({ method, path }: ProxiedRequest): boolean => method === 'POST' && path.includes('uploadId=');
    const answers: Fault[] = ['409', '412'];
    const { store, proxy } = await behind(t, (request) => (completes(request) ? answers.shift() ?? null : null), { conditionOnParts: true });
    const bytes = randomBytes(7 << 20);
    const path = scratchFile(t, store);
    // The other writer, of whom the 412 speaks, has gone again: in the test nobody put anything.
    await writeFile(path, bytes);
    t.true(await store.putFileIfAbsent('big', path));
    t.deepEqual(proxy.requests.filter(completes).map(({ fault }) => fault), ['409', '412', null]);
    t.is(proxy.requests.filter(({ method, path: asked }) => method === 'DELETE' && asked.includes('uploadId=')).length, 2, 'nothing is left of the first two');
    t.true(bytes.equals(await store.get('big')));
  });

  test('an upload in parts that fails leaves neither object nor parts', async (t) => {
    const { store, proxy } = await behind(t, ({ path }) => (path.includes('partNumber=2') ? '500' : null), { retry: { attempts: 2, firstMs: 1, mostMs: 2 } });
    const path = scratchFile(t, store);
    await writeFile(path, randomBytes(8 << 20));
    await t.throwsAsync(store.putFile('big', path), { instanceOf: ServiceUnavailableError });
    t.false(await store.has('big'));
    t.true(proxy.requests.some(({ method, path: asked }) => method === 'DELETE' && asked.includes('uploadId=')));
    t.is((await readFile(path)).length, 8 << 20, 'the file is still there for another try');
  });

  test('refusals name the bucket, the key, what was to be done, and what to set', async (t) => {
    const bucket = await bucketOf();
    const wrong = await openS3Store(`s3://${bucket}`, { ...own, credentials: { ...credentials, secretAccessKey: 'wrong' } });
    const badKeys = await t.throwsAsync(wrong.put('a', bytesOf('x')), { instanceOf: AccessDeniedError });
    t.regex(badKeys.message, new RegExp(`write s3://${bucket}/a.*SignatureDoesNotMatch.*AWS_ACCESS_KEY_ID.*AWS_PROFILE`));
    const nobody = await openS3Store('s3://no-such-bucket-here', own);
    const noBucket = await t.throwsAsync(nobody.get('a'), { instanceOf: InputError });
    t.regex(noBucket.message, /no bucket no-such-bucket-here.*AWS_ENDPOINT_URL/);
    const missing = await t.throwsAsync((await openS3Store(`s3://${bucket}`, own)).get('gone'), { instanceOf: ObjectMissingError });
    t.regex(missing.message, /gone/);
  });
}
