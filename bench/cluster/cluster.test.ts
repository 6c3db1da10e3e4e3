// SPDX-License-Identifier: Apache-2.0
// A cluster of real programs that loses its coordinator, its bus and its patience, and still makes the same bytes.
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type SceneStatus, type StereoTask, type TaskOutcome, parseTask, taskHash } from '@altiplano/protocol';
import { openNatsQueue, openStore, writeOutcome } from '@altiplano/protocol/io';
import anyTest, { type ExecutionContext, type TestFn } from 'ava';
import { runScene } from '../pipeline/run-altiplano.js';
import { makeScene } from '../scenes/make-scene.js';
import { type Cluster, type LogLine, type Program, openCluster } from './cluster.js';

interface Context { folder: string; images: readonly string[]; expected: ReadonlyMap<string, string> }
const test = anyTest as TestFn<Context>;

const layers = ['dsm.tif', 'confidence.tif', 'count.tif', 'spread.tif', 'validity.tif'];
const digest = async (path: string): Promise<string> => createHash('sha256').update(await readFile(path)).digest('hex');
const digests = async (folder: string): Promise<ReadonlyMap<string, string>> =>
  new Map(await Promise.all(layers.map(async (name) => [name, await digest(join(folder, name))] as const)));

/** Every file of the store by its content, but the signs of life. */
async function snapshot(folder: string): Promise<ReadonlyMap<string, string>> {
  const names = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return new Map(await Promise.all(names.filter((name) => !name.includes('/coordinator/beats/')).map(async (name) => [name, await digest(name)] as const)));
}

test.serial.before(async (t) => {
  t.timeout(300_000);
  const folder = await mkdtemp(join(tmpdir(), 'altiplano-cluster-'));
  const manifest = await makeScene({ directory: join(folder, 'town'), terrain: 'city', size: 384, pointingError: [3], seed: 11 });
  const images = manifest.views.map(({ file }) => join(folder, 'town', file));
  const out = join(folder, 'alone');
  await runScene([...images, '--out', out, '--agents', '1', '--tile', '128', '--scene-id', 'town'], { showProgress: false });
  t.context = { folder, images, expected: await digests(out) };
});

test.serial.after.always(async (t) => { await rm(t.context.folder, { recursive: true, force: true }); });

async function withCluster(t: ExecutionContext<Context>, run: (cluster: Cluster) => Promise<void>): Promise<void> {
  t.timeout(120_000);
  const folder = await mkdtemp(join(t.context.folder, 'cluster-'));
  const cluster = await openCluster(folder);
  try {
    await run(cluster);
  } finally {
    await cluster.close();
    await rm(folder, { recursive: true, force: true });
  }
}

const submit = (t: ExecutionContext<Context>, cluster: Cluster, ...more: readonly string[]) =>
  cluster.altiplano('submit', ...t.context.images, '--tile', '128', '--scene-id', 'town', ...more);

async function statusOf(cluster: Cluster): Promise<SceneStatus> {
  const { stdout, stderr, code } = await cluster.altiplano('status', '--scene', 'town', '--json');
  if (code !== 0) throw new Error(stderr);
  return (JSON.parse(stdout) as { scene: { status: SceneStatus } }).scene.status;
}

/** The products of the scene as the status names them. */
async function assertSameProducts(t: ExecutionContext<Context>, cluster: Cluster): Promise<void> {
  const { phase, products } = await statusOf(cluster);
  t.is(phase, 'done');
  const found = await Promise.all(layers.map(async (name) => [name, await digest(join(cluster.folder, 'store', products[name.replace('.tif', '')] ?? ''))] as const));
  t.deepEqual(new Map(found), t.context.expected);
}

const leads = ({ event }: LogLine): boolean => event === 'coordinator:leading';
const hasEnded = ({ event }: LogLine): boolean => event === 'scene:ended';
/** Agents are paused by whoever waits for this, so that the scene stays where it is. */
const isAt = (phase: string, factor: number) => (line: LogLine): boolean => line.event === 'scene:phase' && line['phase'] === phase && line['factor'] === factor;

test.serial('a submitted scene has the bytes of a run, and leaves no intermediates', (t) => withCluster(t, async (cluster) => {
  await cluster.startCoordinator('c1');
  await cluster.startAgent('a1');
  const end = await submit(t, cluster, '--wait', '--json');
  t.is(end.code, 0, end.stderr);
  await assertSameProducts(t, cluster);
  const kept = await readdir(join(cluster.folder, 'store', 'scenes', 'town'), { recursive: true, withFileTypes: true });
  t.deepEqual(kept.filter((entry) => entry.isFile() && /\/(images|partials|coarse|merged)(\/|$)/.test(entry.parentPath)), []);
  t.deepEqual(await readdir(join(cluster.folder, 'store', 'active')), []);

  const again = await submit(t, cluster, '--wait', '--json');
  t.is(again.code, 0, 'it is complete already');
  t.is((JSON.parse(again.stdout) as SceneStatus).order, 2);
  await assertSameProducts(t, cluster);

  const clean = await cluster.altiplano('clean', '--scene', 'town');
  t.is(clean.code, 0, clean.stderr);
  const left = await snapshot(join(cluster.folder, 'store'));
  t.deepEqual([...left.keys()].filter((name) => !name.includes('/coordinator/')), []);
}));

/** Submits the scene and pauses the agent when its coarse tiles are under way, so that it stays there. */
async function submitAndHold(t: ExecutionContext<Context>, cluster: Cluster, leader: Program, agent: Program, ...more: readonly string[]): Promise<void> {
  const submitted = await submit(t, cluster, ...more);
  t.is(submitted.code, 0, submitted.stderr);
  await leader.until(isAt('tiles', 4));
  agent.signal('SIGSTOP');
}

test.serial('a leader that is killed with a scene in hand is followed within 10 s, and the scene has the same bytes', (t) => withCluster(t, async (cluster) => {
  const leader = await cluster.startCoordinator('c1');
  const standby = await cluster.startCoordinator('c2');
  const agent = await cluster.startAgent('a1');
  await submitAndHold(t, cluster, leader, agent);
  await leader.end('SIGKILL');
  await standby.until(leads, { withinMs: 10_000 });
  agent.signal('SIGCONT');
  await standby.until(hasEnded);
  await assertSameProducts(t, cluster);
}));

test.serial('a leader that was paused and wakes up after another took over changes nothing any more', (t) => withCluster(t, async (cluster) => {
  const leader = await cluster.startCoordinator('c1');
  const standby = await cluster.startCoordinator('c2');
  const agent = await cluster.startAgent('a1');
  await submitAndHold(t, cluster, leader, agent);
  leader.signal('SIGSTOP');
  await standby.until(leads, { withinMs: 10_000 });
  agent.signal('SIGCONT');
  await standby.until(hasEnded);
  const before = await snapshot(join(cluster.folder, 'store'));
  leader.signal('SIGCONT');
  await leader.until(({ event }) => event === 'lease:lost', { withinMs: 10_000 });
  await leader.until(({ event }) => event === 'coordinator:standby', { withinMs: 10_000 });
  await leader.end();
  t.deepEqual(await snapshot(join(cluster.folder, 'store')), before);
  await assertSameProducts(t, cluster);
}));

test.serial('the bus loses all it stored in mid-run: the scene completes by itself', (t) => withCluster(t, async (cluster) => {
  const leader = await cluster.startCoordinator('c1');
  const agent = await cluster.startAgent('a1');
  await submitAndHold(t, cluster, leader, agent);
  await cluster.loseBus();
  agent.signal('SIGCONT');
  await leader.until(hasEnded);
  await assertSameProducts(t, cluster);
}));

test.serial('a cancelled scene is off the bus, and is resumed by another coordinator from the store alone', (t) => withCluster(t, async (cluster) => {
  const leader = await cluster.startCoordinator('c1');
  const agent = await cluster.startAgent('a1');
  await submitAndHold(t, cluster, leader, agent);
  const cancelled = await cluster.altiplano('cancel', '--scene', 'town', '--wait', '--json');
  t.is(cancelled.code, 0, cancelled.stderr);
  t.is((JSON.parse(cancelled.stdout) as SceneStatus).phase, 'cancelled');
  const queue = await openNatsQueue({ servers: cluster.natsUrl() });
  t.deepEqual(await queue.depth(), { ingest: 0, align: 0, coarse: 0, stereo: 0 });
  await queue.close();
  await leader.end();
  await cluster.loseBus();
  const next = await cluster.startCoordinator('c2');
  await next.until(leads, { withinMs: 3_000 });
  agent.signal('SIGCONT');
  const resumed = await cluster.altiplano('resume', '--scene', 'town', '--wait', '--json');
  t.is(resumed.code, 0, resumed.stderr);
  await assertSameProducts(t, cluster);
}));

/** Takes one full-resolution tile as an agent would, and ends it as dead. */
async function killOneTile(cluster: Cluster): Promise<StereoTask> {
  const queue = await openNatsQueue({ servers: cluster.natsUrl() });
  const store = await openStore(cluster.storeUrl);
  try {
    const delivery = await queue.pullTask(['stereo'], 30_000, AbortSignal.timeout(30_000));
    const task = delivery === null ? null : parseTask(delivery.bytes);
    if (delivery === null || task === null || task.kind !== 'stereo') throw new Error('no full-resolution tile came');
    const at = new Date().toISOString();
    const outcome: TaskOutcome = {
      v: 1, sceneId: task.sceneId, taskId: task.taskId, kind: 'stereo', state: 'dead', taskHash: taskHash(task), round: task.round, attempts: 1, agent: 'test',
      error: { code: 'crashed', message: 'made dead by the test' }, startedAt: at, wallSeconds: 0, cpuSeconds: 0, stages: {}, metrics: {},
    };
    await writeOutcome(store, outcome);
    await queue.publishEvent({ v: 1, type: 'ended', sceneId: task.sceneId, taskId: task.taskId, kind: 'stereo', agent: 'test', at, outcome });
    await delivery.ack();
    return task;
  } finally {
    await queue.close();
    await store.close();
  }
}

test.serial('replay --dead completes a partial scene, replay --tile --set changes that tile, and each merges what it changes', (t) => withCluster(t, async (cluster) => {
  const leader = await cluster.startCoordinator('c1');
  const agent = await cluster.startAgent('a1');
  const killing = killOneTile(cluster);
  const partial = await submit(t, cluster, '--keep-intermediates', '--wait', '--json');
  const { tileId, pairId } = await killing;
  t.is(partial.code, 3, partial.stderr);
  t.is((JSON.parse(partial.stdout) as SceneStatus).tiles.dead, 1);

  const replay = async (...args: readonly string[]): Promise<LogLine> => {
    const from = leader.lines.length;
    const end = await cluster.altiplano('replay', '--scene', 'town', ...args, '--wait', '--json');
    t.is(end.code, 0, end.stderr);
    return leader.until(({ event }) => event === 'scene:merged', { from });
  };
  const merged = await replay('--dead');
  t.true(Number(merged['merged']) > 0 && Number(merged['merged']) <= 9, `a tile and its neighbours: ${String(merged['merged'])} of ${String(merged['tiles'])}`);
  await assertSameProducts(t, cluster);

  const changed = await replay('--tile', tileId, '--pair', pairId, '--set', 'matching.p2=60');
  t.true(Number(changed['merged']) > 0 && Number(changed['merged']) <= 9);
  const { products } = await statusOf(cluster);
  const productPath = (name: string): string => join(cluster.folder, 'store', products[name] ?? '');
  t.not(await digest(productPath('dsm')), t.context.expected.get('dsm.tif'));
  const summary = JSON.parse(await readFile(productPath('run'), 'utf8')) as { replayed: unknown };
  t.deepEqual(summary.replayed, [{ order: 3, set: { p2: 60 }, taskIds: [`stereo-${tileId}-${pairId}`] }]);

  await replay('--tile', tileId, '--set', 'p2=44');
  await assertSameProducts(t, cluster);
  await agent.end();
  const refused = await cluster.altiplano('replay', '--scene', 'town', '--tile', tileId, '--set', 'p3=1');
  t.is(refused.code, 2);
  t.regex(refused.stderr, /no parameter 'p3'/);
}));
