// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, statSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

export interface Program {
  readonly name: string;
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly logFile: string;
}

/** A program that is started again whenever it ends, as Kubernetes does. */
export interface Supervised {
  readonly name: string;
  /** Null between two lives. */
  pid(): number | null;
  /** How often it ended before it was to stop, and how. */
  readonly ends: readonly string[];
  /** Variables from its next life on. */
  setEnv(env: Readonly<Record<string, string>>): void;
  /** False where it isn't alive. */
  signal(signal: NodeJS.Signals): boolean;
  /** Asks it to end, insists after `patienceMs`; how it ended. */
  stop(patienceMs: number): Promise<string>;
}

/** How a program ends that is asked to before it listens to signals, or has done anything: as good as by exit code 0. */
export const endedAtStart = 'SIGTERM at its start';

/** Kubernetes begins with 10 s and doubles; here a run has no time for that. */
const pausesMs = [100, 200, 400, 800] as const;

/**
 * Starts a program and keeps it going. It dies with this process, however that ends (prctl's PR_SET_PDEATHSIG), and is in a session of its own,
 * so that Ctrl-C reaches us alone.
 */
export function supervise({ name, command, env: firstEnv, logFile }: Program): Supervised {
  let env = firstEnv;
  const ends: string[] = [];
  const stopping = new AbortController();
  let child: ChildProcess | null = null;

  const runOnce = async (): Promise<string> => {
    const log = openSync(logFile, 'a');
    const { size } = statSync(logFile);
    const own = spawn('setpriv', ['--pdeathsig', 'KILL', ...command], { stdio: ['ignore', log, log], detached: true, env: { ...env } });
    closeSync(log);
    child = own;
    const [code, signal]: unknown[] = await once(own, 'exit').catch((error: unknown) => [String(error), null]);
    child = null;
    if (signal === 'SIGTERM' && statSync(logFile).size === size) return endedAtStart;
    return typeof signal === 'string' ? signal : `exit code ${String(code)}`;
  };
  const living = (async (): Promise<string> => {
    for (let life = 0; ; life += 1) {
      const end = await runOnce();
      if (stopping.signal.aborted) return end;
      ends.push(end);
      await delay(pausesMs[Math.min(life, pausesMs.length - 1)], undefined, { signal: stopping.signal }).catch(() => undefined);
      if (stopping.signal.aborted) return end;
    }
  })();
  const signal = (which: NodeJS.Signals): boolean => child?.kill(which) ?? false;

  return {
    name, ends, signal,
    setEnv(next) { env = next; },
    pid: () => child?.pid ?? null,
    async stop(patienceMs) {
      stopping.abort();
      signal('SIGTERM');
      const insist = setTimeout(() => { signal('SIGKILL'); }, patienceMs);
      const end = await living;
      clearTimeout(insist);
      return end;
    },
  };
}
