// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, constants, mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { delimiter, join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { AltiplanoError, InputError } from '../src/errors.js';

/** A nats-server that belongs to this process. */
export interface NatsServer {
  /** nats://127.0.0.1:<port>, or tls:// where the configuration demands it. */
  readonly url: string;
  readonly pid: number;
  /** Resolves when the server has ended, by `stop` or by itself. */
  readonly ended: Promise<void>;
  /** Stops the server and waits for its end; JetStream's state stays in storeDir. */
  stop(): Promise<void>;
}

export interface NatsServerOptions {
  /** Folder of JetStream's state and the server's log (nats-server.log); made where missing. */
  readonly storeDir: string;
  /** Default: a port the system chooses. */
  readonly port?: number;
  /** Text of a configuration: accounts, TLS, limits. Address, port and JetStream are as this function sets them. */
  readonly config?: string;
  /** The program; default: ALTIPLANO_NATS_SERVER, else `nats-server` on the PATH. */
  readonly program?: string;
  readonly readyTimeoutMs?: number;
}

// The shell between us and the server holds the read end of a pipe whose only write end is ours: when this
// process ends, however it does, the pipe closes, `cat` returns, and the server is stopped. In a session of
// its own (`detached`), so that Ctrl-C in a terminal reaches us and not the server under our feet.
const watchdog = `
  exec 3<&0 0</dev/null
  "$@" 3<&- & server=$!
  echo $server
  exec 1>/dev/null
  (cat <&3; kill $server) 2>/dev/null & watcher=$!
  exec 3<&-
  wait $server; status=$?
  kill $watcher 2>/dev/null
  exit $status`;

/**
 * It shares its machine with the agents, and one core is enough for thousands of tasks per second. With more of them Go's scheduler spends a third
 * of the server's time on waking them up for messages that the first would have come to.
 */
const oneCore = { GOMAXPROCS: '1' };

/**
 * Starts a private nats-server with JetStream on a loopback port and waits until it answers. It ends with
 * this process, also after kill -9. Throws InputError where there is no nats-server, AltiplanoError with the
 * end of its log where it doesn't start.
 */
export async function startNatsServer(options: NatsServerOptions): Promise<NatsServer> {
  const program = await findNatsServer(options.program);
  const storeDir = resolve(options.storeDir);
  await mkdir(storeDir, { recursive: true });
  await removePortsFiles(storeDir);
  const log = join(storeDir, 'nats-server.log');
  const configFile = join(storeDir, 'nats-server.conf');
  if (options.config !== undefined) await writeFile(configFile, options.config, { mode: 0o600 });
  const args = ['-a', '127.0.0.1', '-p', String(options.port ?? -1), '-js', '-sd', storeDir, '-l', log, '--ports_file_dir', storeDir];
  if (options.config !== undefined) args.push('-c', configFile);
  const shell = spawn('/bin/sh', ['-c', watchdog, 'nats-server', program, ...args], { stdio: ['pipe', 'pipe', 'ignore'], detached: true, env: { ...oneCore, ...process.env } });
  const ended = once(shell, 'exit').then(() => {
    shell.stdin.destroy();
    return removePortsFiles(storeDir);
  });
  shell.stdin.on('error', () => { /* the shell is gone, which `ended` tells */ });

  const pid = Number(String((await once(shell.stdout, 'data'))[0]));
  const stop = async (): Promise<void> => {
    shell.stdin.end();
    const kill = setTimeout(() => { killQuietly(pid); }, 10_000);
    await ended;
    clearTimeout(kill);
  };
  const url = await readyUrl(storeDir, pid, ended, options.readyTimeoutMs ?? 20_000);
  if (url === null) {
    await stop();
    throw new AltiplanoError('nats-server-failed', `${program} did not start:\n${await logTail(log)}`);
  }
  // The server must not keep this process alive.
  shell.unref();
  for (const pipe of [shell.stdin, shell.stdout]) if ('unref' in pipe && typeof pipe.unref === 'function') pipe.unref();
  return { url, pid, ended, stop };
}

/** The server's program: as named, else ALTIPLANO_NATS_SERVER, else `nats-server` on the PATH. Throws InputError where there is none. */
export async function findNatsServer(named: string | undefined = process.env['ALTIPLANO_NATS_SERVER']): Promise<string> {
  const candidates = named?.includes('/')
    ? [resolve(named)]
    : (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '').map((folder) => join(folder, named ?? 'nats-server'));
  for (const candidate of candidates) {
    if (await access(candidate, constants.X_OK).then(() => true, () => false)) return candidate;
  }
  const where = named === undefined ? 'on the PATH' : `at ALTIPLANO_NATS_SERVER=${named}`;
  throw new InputError(`no nats-server ${where}; install it by 'sudo apt-get install nats-server', or name the program in ALTIPLANO_NATS_SERVER`);
}

/** The server writes its ports file when it accepts clients, with the port it got; null: it ended, or took too long. */
async function readyUrl(storeDir: string, pid: number, ended: Promise<void>, timeoutMs: number): Promise<string | null> {
  const deadline = performance.now() + timeoutMs;
  let hasEnded = false;
  void ended.then(() => { hasEnded = true; });
  while (!hasEnded && performance.now() < deadline) {
    for (const name of await portsFiles(storeDir)) {
      if (!name.endsWith(`_${pid}.ports`)) continue;
      const url = /(nats|tls):\/\/127\.0\.0\.1:\d+/.exec(await readFile(join(storeDir, name), 'utf8'))?.[0];
      if (url !== undefined) return url;
    }
    await delay(10);
  }
  return null;
}

const portsFiles = async (storeDir: string): Promise<string[]> => (await readdir(storeDir)).filter((name) => name.endsWith('.ports'));

/** A killed server leaves its ports file. */
async function removePortsFiles(storeDir: string): Promise<void> {
  const names = await portsFiles(storeDir).catch(() => []);
  await Promise.all(names.map((name) => rm(join(storeDir, name), { force: true })));
}

async function logTail(log: string): Promise<string> {
  const text = await readFile(log, 'utf8').catch(() => `(no log at ${log})`);
  return text.trimEnd().split('\n').slice(-12).join('\n');
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended by itself in the meantime.
  }
}
