// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { AltiplanoError } from '@altiplano/protocol';
import { messageOf } from './message-of.js';

export interface AgentProcessesOptions {
  readonly count: number;
  readonly natsUrl: string;
  readonly storeUrl: string;
  /** agent-<k>.log of each agent go here; made where missing. */
  readonly logDir: string;
  /** Program of an agent; default: ALTIPLANO_AGENT_PROGRAM, else node-agent beside this package. A .js file is run by this node. */
  readonly program?: string;
  /** Before the first restart; doubled by each that follows. */
  readonly restartPauseMs?: number;
  readonly onWarning?: (message: string) => void;
  /** Called once when no agent is left and none will be started again. */
  readonly onGone?: (error: AltiplanoError) => void;
}

export interface AgentProcesses {
  /** Process ids of the agents alive. */
  pids(): number[];
  /** Ends all agents and waits for them: they finish or hand back what they hold, and are killed after `patienceMs`. */
  stop(patienceMs?: number): Promise<void>;
}

/** Agents that run only while they are needed. */
export interface NeededAgents {
  /** Says whether there is, or soon will be, something to do for them: ends them where not, and starts new ones where there is again. */
  need(isNeeded: boolean): void;
  /** Ends all of them, as `AgentProcesses.stop` does. */
  stop(patienceMs?: number): Promise<void>;
}

/** Starts agents, which are needed until `need` says otherwise. */
export function agentsWhileNeeded(start: () => AgentProcesses): NeededAgents {
  let agents: AgentProcesses | null = start();
  const ending: Promise<void>[] = [];
  return {
    need(isNeeded) {
      if (isNeeded) agents ??= start();
      else if (agents !== null) {
        ending.push(agents.stop());
        agents = null;
      }
    },
    async stop(patienceMs) {
      await Promise.all([...ending, agents?.stop(patienceMs)]);
    },
  };
}

/** An agent that lives this long was healthy: what kills it then is no fault of its own start. */
const healthyMs = 10_000;
const mostRestarts = 5;

// The agent runs behind a shell that holds a pipe from us: when this process ends, however it does, the pipe
// closes and the agent is ended, so that none is left over. In a session of its own (`detached`), so that
// Ctrl-C reaches us and not the agents. The first line tells the agent's process id.
const watchdog = `
  exec 3<&0 0</dev/null 4>&1 1>&2
  "$@" 3<&- 4>&- & agent=$!
  echo $agent >&4
  exec 4>&-
  (cat <&3; kill $agent; sleep 1; kill $agent; sleep 3; kill -9 $agent) >/dev/null 2>&1 & watcher=$!
  exec 3<&-
  wait $agent; status=$?
  kill $watcher 2>/dev/null
  exit $status`;

/** Starts agents as processes of their own, and again those that die, a few times each. */
export function startAgents(options: AgentProcessesOptions): AgentProcesses {
  const command = agentCommand(options.program);
  mkdirSync(options.logDir, { recursive: true });
  const running = new Map<number, { readonly shell: ChildProcess; pid: number | null }>();
  const stopping = new AbortController();
  let left = options.count;

  const keepAlive = async (k: number): Promise<void> => {
    for (let restarts = 0; !stopping.signal.aborted;) {
      const since = performance.now();
      // Also where its log can't be opened.
      const end = await runOnce(k).catch(messageOf);
      if (stopping.signal.aborted) return;
      restarts = performance.now() - since > healthyMs ? 1 : restarts + 1;
      if (restarts > mostRestarts) {
        options.onWarning?.(`agent-${k} died ${restarts} times (${end}); giving it up, see ${join(options.logDir, `agent-${k}.log`)}`);
        break;
      }
      options.onWarning?.(`agent-${k} died (${end}); starting it again`);
      await delay((options.restartPauseMs ?? 200) * 2 ** (restarts - 1), undefined, { signal: stopping.signal }).catch(() => undefined);
    }
    left -= 1;
    if (left === 0) options.onGone?.(new AltiplanoError('no-agents', `all ${options.count} agents died; see ${options.logDir}`));
  };

  const runOnce = async (k: number): Promise<string> => {
    const log = openSync(join(options.logDir, `agent-${k}.log`), 'a');
    const args = [...command, '--nats', options.natsUrl, '--store', options.storeUrl, '--id', `agent-${k}`];
    const shell = spawn('/bin/sh', ['-c', watchdog, `agent-${k}`, ...args], {
      stdio: ['pipe', 'pipe', log], detached: true, env: ourEnvironment(),
    });
    closeSync(log);
    shell.stdin?.on('error', () => { /* the shell is gone, which 'exit' tells */ });
    const entry: { readonly shell: ChildProcess; pid: number | null } = { shell, pid: null };
    shell.stdout?.once('data', (line) => {
      entry.pid = Number(String(line));
      if (stopping.signal.aborted) signalAll([entry], 'SIGTERM');
    });
    running.set(k, entry);
    const [code, signal]: unknown[] = await once(shell, 'exit').catch((error: unknown) => [String(error), null]);
    running.delete(k);
    return typeof signal === 'string' ? `by ${signal}` : `exit code ${String(code)}`;
  };

  const alive = Array.from({ length: options.count }, (_, i) => keepAlive(i + 1));
  return {
    pids: () => [...running.values()].flatMap(({ pid }) => pid ?? []),
    async stop(patienceMs = 10_000) {
      stopping.abort();
      const all = Promise.all(alive);
      signalAll(running.values(), 'SIGTERM');
      const ended = (): Promise<boolean> => Promise.race([all.then(() => true), delay(patienceMs / 2, false, { ref: false })]);
      // A second signal makes an agent hand back its task.
      if (!(await ended())) signalAll(running.values(), 'SIGTERM');
      if (!(await ended())) signalAll(running.values(), 'SIGKILL');
      await all;
    },
  };
}

/** Without what is meant for a cluster's agents: ours get a bus of our own. */
const ourEnvironment = (): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('NATS_') && name !== 'ALTIPLANO_CONFIG'));

function signalAll(agents: Iterable<{ readonly shell: ChildProcess; readonly pid: number | null }>, signal: NodeJS.Signals): void {
  for (const { shell, pid } of agents) {
    try {
      // A shell that has not told yet whom it started would end without its agent.
      if (pid !== null) process.kill(pid, signal);
      else if (signal === 'SIGKILL') shell.kill(signal);
    } catch {
      // It ended by itself in the meantime.
    }
  }
}

/** The command that starts the agent program. */
export function agentCommand(program?: string): string[] {
  const path = program ?? process.env['ALTIPLANO_AGENT_PROGRAM'] ?? fileURLToPath(new URL('../../../node-agent/bin/altiplano-agent.js', import.meta.url));
  return path.endsWith('.js') ? [process.execPath, path] : [path];
}
