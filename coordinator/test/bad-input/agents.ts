// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { transformPoints } from '@altiplano/kernels/raster';
import { type Task, encodeMessage, stereoParamsSchema } from '@altiplano/protocol';
import { type TaskQueue, openNatsQueue, startNatsServer } from '@altiplano/protocol/io';
import { mayMount, withMounts } from './mounts.js';
import { type BadInput, type CaseEnd, type Section, camera, program, runProgram, side } from './world.js';

const agentProgram = fileURLToPath(new URL('../../../../node-agent/bin/altiplano-agent.js', import.meta.url));
const sceneId = 'bad';
const patienceMs = 60_000;

const rpc = camera(0.25);
// The flat world's metres are not UTM's.
const [east = 0, north = 0] = transformPoints('EPSG:4326', 'EPSG:32636', Float64Array.of(rpc.lonOff, rpc.latOff));
const ingest = { v: 1, kind: 'ingest', sceneId, round: 0, source: '/nowhere.tif', band: 1, mask: null, outKey: `scenes/${sceneId}/images/x.tif` } as const;
const image = { key: `scenes/${sceneId}/images/none.tif`, width: side, height: side, rpc };
const stereo = {
  v: 1, kind: 'stereo', sceneId, round: 0, factor: 1, pairId: '0_1', tileId: 'x0y0', crs: 'EPSG:32636',
  grid: { originE: east - 20, originN: north + 20, resolution: 0.5, width: 96, height: 96 }, haloCells: 16, heightRange: [0, 60] as [number, number], priorKey: null, ref: image,
  sec: { ...image, rpc: camera(-0.25) }, correction: { col: [0, 1, 0] as [number, number, number], row: [0, 0, 1] as [number, number, number] },
  params: stereoParamsSchema.parse({}), memoryBudgetMb: 1500, outKey: `scenes/${sceneId}/partials/x0y0/0_1.tif`,
} as const;

/** What agents make of messages that nobody of ours would send, and of disks that take nothing. */
export async function agentCases(folder: string): Promise<{ readonly sections: readonly Section[]; close(): Promise<void> }> {
  const home = join(folder, 'agents');
  mkdirSync(home);
  const server = await startNatsServer({ storeDir: join(home, 'bus') });
  const queue = await openNatsQueue({ servers: server.url });
  await queue.ensure();
  const ended = new Map<string, CaseEnd>();
  const closing = new AbortController();
  void listen(queue, ended, closing.signal);
  let agent: ChildProcess | null = null;
  const stopAgent = async (): Promise<void> => {
    const exit = agent === null || agent.exitCode !== null ? null : once(agent, 'exit');
    agent?.kill('SIGKILL');
    agent = null;
    await exit;
  };
  let number = 0;
  const message = (what: string, kind: 'ingest' | 'stereo', bytesOf: (taskId: string) => Uint8Array): BadInput => ({
    what, command: 'altiplano agent',
    async run() {
      agent ??= spawn(process.execPath, [agentProgram, '--store', join(home, 'store'), '--nats', server.url, '--log-level', 'silent'], { stdio: 'ignore' });
      const taskId = `t${number++}`;
      await send(server.url, `tasks.${kind}.${sceneId}.${taskId}`, bytesOf(taskId));
      return endOfTask(queue, ended, taskId);
    },
  });
  const task = (what: string, change: Record<string, unknown>): BadInput => message(what, 'ingest', (taskId) => packed({ ...ingest, taskId, ...change }));
  const tile = (what: string, change: Record<string, unknown>): BadInput => message(what, 'stereo', (taskId) => packed({ ...stereo, taskId, ...change }));
  const replacedLast = (list: readonly number[], value: number): number[] => [...list.slice(0, -1), value];
  const left = join(folder, 'left.tif');
  const messages: Section = {
    title: 'Messages', text: 'Put on the bus as raw bytes. A message that can\'t be read ends as a dead letter at once, and the agent goes on.', cases: [
      message('no msgpack', 'ingest', () => Buffer.from('{"v":1}')), message('no byte', 'ingest', () => new Uint8Array()),
      message('cut off', 'ingest', (taskId) => packed({ ...ingest, taskId }).subarray(0, 60)),
      message('an array that claims 4 billion elements', 'ingest', () => Uint8Array.from([0xdd, 0xff, 0xff, 0xff, 0xff])),
      message('arrays in arrays without end', 'ingest', () => new Uint8Array(100_000).fill(0x91)),
      message('too large', 'ingest', () => new Uint8Array(300_000)),
      task('a future version', { v: 2 }), task('no version', { v: undefined }), task('a version that is no number', { v: { toString: null } }), task('an unknown kind', { kind: 'ortho' }),
      task('a task id that is a path', { taskId: '../../x' }), task('a scene id that is a path', { sceneId: '../x' }), task('a source of a megabyte', { source: 'x'.repeat(100_000) }),
      tile('NaN in a camera', { ref: { ...image, rpc: { ...rpc, altOff: NaN } } }), tile('infinite coefficient', { ref: { ...image, rpc: { ...rpc, colNum: replacedLast(rpc.colNum, Infinity) } } }),
      tile('a scale of 0', { sec: { ...image, rpc: { ...rpc, lonScale: 0 } } }), tile('a grid without bounds', { grid: { ...stereo.grid, width: 2 ** 40 } }),
      tile('disparities without bounds', { params: { ...stereo.params, maxDisparities: 1e9 } }), tile('heights upside down', { heightRange: [60, 0] }),
    ],
  };
  const tasks: Section = {
    title: 'Tasks', text: 'Messages that can be read, and ask for what can\'t be done.', cases: [
      task('an image that is gone', {}), task('a key that leaves the store', { source: left, outKey: '../../x.tif' }), task('an absolute key', { source: left, outKey: '/etc/x.tif' }),
      task('a key with a backslash', { source: left, outKey: 'a\\..\\x.tif' }), task('a key with NUL', { source: left, outKey: 'a\0.tif' }), task('a key of the store\'s own', { source: left, outKey: '.staging/x' }),
      task('a web address as image', { source: '/vsicurl/http://127.0.0.1:1/x.tif' }), task('XML as image', { source: '<VRTDataset rasterXSize="1" rasterYSize="1"/>' }), task('a device as image', { source: '/dev/zero' }),
      task('a band it has not', { source: left, band: 9 }), task('a mask that is gone', { source: left, mask: '/nowhere.tif' }),
      tile('an image that was never ingested', {}), tile('a prior that is gone', { priorKey: `scenes/${sceneId}/coarse/gone.tif`, ...ingested(home) }),
      tile('a grid of 100,000 x 100,000 cells', { ...ingested(home), grid: { ...stereo.grid, width: 100_000, height: 100_000 } }), tile('an unknown CRS', { ...ingested(home), crs: 'EPSG:0' }),
      tile('a size the image has not', { ...ingested(home), ref: { ...ingested(home).ref, width: 20_000, height: 20_000 } }), tile('a place far from the images', { ...ingested(home), grid: { ...stereo.grid, originE: east - 100_000 } }),
    ],
  };
  const disk: Section = {
    title: 'Disks of programs', text: 'What is full is tried again later: an operator may make room. Nothing of the result is left in the store.', cases: [
      {
        what: 'no room for an ingested image', command: 'altiplano agent',
        async run() {
          await stopAgent(); // it would take the task
          return fullDisk(folder, server.url, queue);
        },
      },
      readOnlyStore(folder, server.url, 'agent', 'read-only-a'), readOnlyStore(folder, server.url, 'coordinator', 'read-only-c'),
    ],
  };
  return {
    sections: [messages, tasks, disk],
    async close() {
      closing.abort();
      await stopAgent();
      await queue.close();
      await server.stop();
    },
  };
}

/** Images as they are ingested, by tests: copies of left.tif and right.tif in the agents' store. */
function ingested(home: string): { readonly ref: typeof image; readonly sec: typeof image } {
  const folder = join(home, 'store', 'scenes', sceneId, 'images');
  mkdirSync(folder, { recursive: true });
  for (const name of ['left.tif', 'right.tif']) writeFileSync(join(folder, name), readFileSync(join(home, '..', name)));
  return { ref: { ...image, key: `scenes/${sceneId}/images/left.tif` }, sec: { ...stereo.sec, key: `scenes/${sceneId}/images/right.tif` } };
}

const packed = (message: Record<string, unknown>): Uint8Array => encodeMessage(message as unknown as Task);

/** Publishes as any client may: by the bus's own text protocol. */
async function send(url: string, subject: string, bytes: Uint8Array): Promise<void> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.write(`CONNECT {"verbose":false,"pedantic":false}\r\nPUB ${subject} ${bytes.length}\r\n`);
  socket.write(bytes);
  socket.end('\r\nPING\r\n');
  socket.resume();
  await once(socket, 'close');
}

/** How a task ended; of one that could not be read nobody tells, but there is a letter. */
async function endOfTask(queue: TaskQueue, ended: ReadonlyMap<string, CaseEnd>, taskId: string): Promise<CaseEnd> {
  for (const until = Date.now() + patienceMs; Date.now() < until; await delay(20)) {
    const end = ended.get(taskId);
    if (end !== undefined) return end;
    const letter = (await queue.deadLetters(sceneId)).find((one) => one.taskId === taskId);
    if (letter !== undefined) return { end: `dead (${letter.error.code})`, message: letter.error.message };
  }
  throw new Error(`no end of ${taskId}`);
}

/** Keeps how the tasks of the scene end. */
async function listen(queue: TaskQueue, ended: Map<string, CaseEnd>, signal: AbortSignal): Promise<void> {
  for await (const event of queue.events(sceneId, signal, 'ends')) {
    if (event.type !== 'ended') continue;
    const { taskId, state, reason, error } = event.outcome;
    ended.set(taskId, { end: error === undefined ? state : `${state} (${error.code})`, message: error?.message ?? reason ?? '' });
  }
}

/** A program whose store lies on a disk that can only be read. */
function readOnlyStore(folder: string, natsUrl: string, command: 'agent' | 'coordinator', name: string): BadInput {
  return {
    what: 'a store on a disk that can only be read', command: `altiplano ${command}`,
    async run() {
      if (!await mayMount()) return null;
      const store = join(folder, name);
      mkdirSync(store);
      const [first, ...rest] = [...withMounts, 'sh', '-c', `mount -t tmpfs tmpfs ${store} && mkdir ${store}/.staging && mount -o remount,ro ${store} && exec "$@"`, 'sh'];
      const ended = await runProgram(first, [...rest, process.execPath, program, command, '--store', store, '--nats', natsUrl], {}, folder);
      // Their messages are lines of a log.
      const said = /"event":"\w+:failed","error":"([^"]*)"/.exec(ended.stderr)?.[1] ?? '';
      return { end: `exit code ${ended.code}`, message: said };
    },
  };
}

/** Runs an agent whose store lies on a disk of 64 KB, until it has told what became of an ingest task; null where this machine lets us mount none. */
async function fullDisk(folder: string, natsUrl: string, queue: TaskQueue): Promise<CaseEnd | null> {
  if (!await mayMount()) return null;
  const store = join(folder, 'small-disk');
  mkdirSync(store);
  const [program = '', ...rest] = withMounts;
  const signal = AbortSignal.timeout(patienceMs);
  const events = queue.events('full', signal, 'ends')[Symbol.asyncIterator]();
  const heard = events.next();
  await send(natsUrl, 'tasks.ingest.full.t', packed({ ...ingest, sceneId: 'full', taskId: 't', source: join(folder, 'left.tif'), outKey: 'scenes/full/images/0.tif' }));
  // Only a process of its own sees its disk: the shell waits for the agent and lists what is left there.
  const script = `trap : TERM; mount -t tmpfs -o size=64k tmpfs ${store} && "$@"; find ${store} -type f`;
  const args = [process.execPath, agentProgram, '--store', store, '--nats', natsUrl, '--log-level', 'silent'];
  const agent = spawn(program, [...rest, 'sh', '-c', script, 'sh', ...args], { stdio: ['ignore', 'pipe', 'ignore'], detached: true });
  const listed = text(agent.stdout);
  const { value: event } = await heard;
  if (agent.pid !== undefined) process.kill(-agent.pid, 'SIGTERM');
  const left = await listed;
  // The record of the attempt may have found room.
  const half = left.split('\n').filter((path) => path !== '' && !path.startsWith(join(store, 'scenes/full/attempts/')));
  if (half.length > 0) throw new Error(`left on the disk: ${half.join(', ')}`);
  if (event?.type === 'retrying') return { end: 'tried again', message: event.error };
  return { end: event?.type === 'ended' ? event.outcome.state : 'no end', message: event?.type === 'ended' ? event.outcome.error?.message ?? '' : '' };
}
