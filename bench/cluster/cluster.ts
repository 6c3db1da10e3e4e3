// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { BusRole } from '@altiplano/protocol';
import { type NatsServer, startNatsServer } from '@altiplano/protocol/io';
import { permissionsConfig, roleEnvironment } from '@altiplano/protocol/testing';

/** A line of a program's log. */
export interface LogLine { readonly event: string; readonly [field: string]: unknown }

/** A program of a cluster in a process of its own. */
export interface Program {
  readonly pid: number;
  readonly lines: readonly LogLine[];
  /** Resolves to the first line, from number `from` on, that `isIt` is true of; throws after `withinMs`. */
  until(isIt: (line: LogLine) => boolean, options?: { readonly withinMs?: number; readonly from?: number }): Promise<LogLine>;
  signal(signal: NodeJS.Signals): void;
  /** Ends it, paused or not, and waits for its end. */
  end(signal?: NodeJS.Signals): Promise<void>;
}

export interface CommandEnd { readonly code: number; readonly stdout: string; readonly stderr: string }

/** A bus that lets nobody do more than the shipped permission sets say, a store in a folder, and programs started as an operator would start them. */
export interface Cluster {
  readonly folder: string;
  readonly storeUrl: string;
  readonly natsUrl: () => string;
  startCoordinator(id: string, args?: readonly string[]): Promise<Program>;
  startAgent(id: string): Promise<Program>;
  /** Runs `altiplano ARGS…` against the cluster. */
  altiplano(...args: readonly string[]): Promise<CommandEnd>;
  /** Stops the bus, deletes all it stored, and starts it again at the same port. */
  loseBus(): Promise<void>;
  close(): Promise<void>;
}

const bin = (path: string): string => fileURLToPath(new URL(`../../../${path}`, import.meta.url));
const [altiplano, agent] = [bin('coordinator/bin/altiplano.js'), bin('node-agent/bin/altiplano-agent.js')];

export async function openCluster(folder: string): Promise<Cluster> {
  const storeDir = join(folder, 'bus');
  const config = await permissionsConfig();
  let server: NatsServer = await startNatsServer({ storeDir, config });
  const natsUrl = server.url;
  const storeUrl = `file://${join(folder, 'store')}`;
  await mkdir(join(folder, 'work'), { recursive: true });
  const environment = { ...process.env, NATS_URL: natsUrl, ALTIPLANO_STORE: storeUrl, TMPDIR: join(folder, 'work') };
  const programs: Program[] = [];
  const start = async (role: BusRole, words: readonly string[], isUp: string): Promise<Program> => {
    const program = await startProgram(words, { ...environment, ...roleEnvironment(role) });
    programs.push(program);
    await program.until(({ event }) => event === isUp);
    return program;
  };
  return {
    folder, storeUrl, natsUrl: () => server.url,
    startCoordinator: (id, args = []) => start('coordinator', [altiplano, 'coordinator', '--id', id, ...args], 'coordinator:started'),
    startAgent: (id) => start('agent', [agent, '--id', id], 'agent:started'),
    altiplano: (...args) => run([altiplano, ...args], { ...environment, ...roleEnvironment('viewer') }),
    async loseBus() {
      await server.stop();
      await rm(storeDir, { recursive: true, force: true });
      server = await startNatsServer({ storeDir, config, port: Number(new URL(natsUrl).port) });
    },
    async close() {
      for (const program of programs) await program.end('SIGKILL');
      await server.stop();
      const denied = programs.flatMap(({ lines }) => lines).find(({ error }) => /this account may not/.test(String(error)));
      if (denied !== undefined) throw new Error(`a program wants more than its permission set: ${JSON.stringify(denied)}`);
    },
  };
}

async function startProgram(words: readonly string[], env: NodeJS.ProcessEnv): Promise<Program> {
  const child = spawn(process.execPath, words, { stdio: ['ignore', 'ignore', 'pipe'], env });
  const lines: LogLine[] = [];
  const logged = new EventEmitter().setMaxListeners(0);
  createInterface(child.stderr).on('line', (line) => {
    lines.push(line.startsWith('{') ? JSON.parse(line) as LogLine : { event: 'text', line });
    logged.emit('line');
  });
  const ended = once(child, 'exit');
  await once(child, 'spawn');
  return {
    pid: child.pid ?? 0, lines,
    async until(isIt, { withinMs = 60_000, from = 0 } = {}) {
      const deadline = AbortSignal.timeout(withinMs);
      for (let next = from; ; next += 1) {
        while (lines.length <= next) {
          await Promise.race([once(logged, 'line', { signal: deadline }), ended.then(() => { throw new Error('ended'); })]).catch((error: unknown) => {
            if (lines.length > next) return;
            throw new Error(`${words.join(' ')}: ${deadline.aborted ? `not within ${withinMs} ms` : String(error)}:\n${lines.slice(-20).map((line) => JSON.stringify(line)).join('\n')}`);
          });
        }
        const line = lines[next];
        if (line !== undefined && isIt(line)) return line;
      }
    },
    signal(signal) { child.kill(signal); },
    async end(signal = 'SIGTERM') {
      if (hasEnded(child)) return;
      child.kill(signal);
      child.kill('SIGCONT');
      await ended;
    },
  };
}

const hasEnded = ({ exitCode, signalCode }: ChildProcess): boolean => exitCode !== null || signalCode !== null;

async function run(words: readonly string[], env: NodeJS.ProcessEnv): Promise<CommandEnd> {
  const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'pipe'], env });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (data) => { stdout += String(data); });
  child.stderr.on('data', (data) => { stderr += String(data); });
  await once(child, 'close');
  return { code: child.exitCode ?? 1, stdout, stderr };
}
