// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { InputError, MalformedMessageError, messageOf } from '@altiplano/protocol/plain';
import { readConfig } from './config.js';

/** The agent's entrance: exit code 0 after a drain, 1 for a failure or a task that hangs, 2 for bad usage or input. */
async function main(): Promise<number> {
  const version = packageVersion();
  const [command, ...words] = process.argv.slice(2);
  if (command === 'run-task') return runOneHere(words);
  const config = await readConfig(process.argv.slice(2), process.env, version);
  if (typeof config === 'number') return config;
  // What it takes to run is loaded here: --help and wrong usage answer at once.
  const [{ openLog }, { runAgent }] = await Promise.all([import('./log.js'), import('./run-agent.js')]);
  const log = openLog({ level: config.logLevel, file: config.logFile, agent: config.id });
  for (const message of config.warnings) log('config:warning', { message });
  const drain = new AbortController();
  const stop = new AbortController();
  const onSignal = (signal: string): void => {
    log('agent:draining', { signal, isSecond: drain.signal.aborted });
    if (drain.signal.aborted) stop.abort();
    drain.abort();
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  try {
    const { isHung, isStuck } = await runAgent(config, { log, version, drain: drain.signal, stop: stop.signal });
    if (isStuck) endAtOnce();
    return isHung ? 1 : 0;
  } catch (error) {
    if (drain.signal.aborted && error === drain.signal.reason) return 0;
    log('agent:failed', { error: messageOf(error) });
    if (config.logFile !== null) process.stderr.write(`altiplano-agent: ${messageOf(error)}\n`);
    return error instanceof InputError ? 2 : 1;
  }
}

async function runOneHere(words: readonly string[]): Promise<number> {
  const { runOne } = await import('./run-one.js');
  try {
    return await runOne(words, { agent: `${hostname()}-${process.pid}`, now: () => new Date() });
  } catch (error) {
    process.stderr.write(`altiplano-agent run-task: ${messageOf(error)}\n`);
    return error instanceof InputError || error instanceof MalformedMessageError ? 2 : 1;
  }
}

function packageVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return /"version": "([^"]+)"/.exec(text)?.[1] ?? 'unknown';
}

/** process.exit waits until the threads have left their native calls; one that hangs never will. Nothing is lost: all is answered. */
function endAtOnce(): void {
  process.kill(process.pid, 'SIGKILL');
}

// Not process.exitCode: a lost connection must not keep a drained agent alive.
process.exit(await main());
