// SPDX-License-Identifier: Apache-2.0
// All tests under one command: C++ by ctest, fuzz targets for some seconds each, TypeScript by ava; closes with 'N passed, N failed'.
// Usage: npm test [-- AVA-ARGUMENTS]    with arguments only ava runs, with them.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/** No build step and no test takes half as long: who is silent for longer waits for what never comes. */
const silenceMinutes = 10;
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/** Runs a program with its output shown and kept; ends it, and whatever it started, when it is silent for too long. */
function run(program, args, env = {}) {
  return new Promise((resolve) => {
    // A group of its own can be ended as a whole, but doesn't hear the terminal's signals.
    const child = spawn(program, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env }, detached: true });
    const toGroup = (signal) => {
      try {
        process.kill(-child.pid, signal);
      } catch (error) {
        if (error.code !== 'ESRCH') throw error; // all of it has ended by itself meanwhile
      }
    };
    let isInterrupted = false;
    const interrupt = (signal) => {
      isInterrupted = true;
      toGroup(signal);
    };
    for (const signal of signals) process.on(signal, interrupt);
    let output = '';
    const giveUp = () => {
      process.stderr.write(`\n${program}: no output for ${silenceMinutes} minutes: ended with everything it started\n`);
      toGroup('SIGKILL');
      // What has left the group may hold them open.
      child.stdout.destroy();
      child.stderr.destroy();
    };
    let silence = setTimeout(giveUp, silenceMinutes * 60_000);
    for (const [from, to] of [[child.stdout, process.stdout], [child.stderr, process.stderr]]) {
      from.on('data', (data) => {
        output += String(data);
        to.write(data);
        clearTimeout(silence);
        silence = setTimeout(giveUp, silenceMinutes * 60_000);
      });
    }
    const ended = (result) => {
      clearTimeout(silence);
      if (isInterrupted) process.exit(130);
      for (const signal of signals) process.off(signal, interrupt);
      resolve(result);
    };
    child.on('error', (error) => ended({ output: `${output}${error.message}`, code: 1 }));
    child.on('close', (code) => ended({ output, code: code ?? 1 }));
  });
}

const sum = (output, pattern) => [...output.matchAll(pattern)].reduce((total, match) => total + Number(match[1]), 0);

/** A runner that failed without naming a failed test still counts as one failure. */
const counted = (passed, failed, code) => ({ passed, failed: code !== 0 && failed === 0 ? 1 : failed });

async function cppTests() {
  const build = await run('ninja', ['-C', 'kernels/build', 'kernel_tests']);
  if (build.code !== 0) return counted(0, 0, build.code);
  const { output, code } = await run('ctest', ['--test-dir', 'kernels/build', '--output-on-failure', '--no-tests=error']);
  const failed = sum(output, /(\d+) tests? failed out of/g);
  return counted(sum(output, /tests? failed out of (\d+)/g) - failed, failed, code);
}

/** Fuzz targets under sanitizers, for some seconds each and by a fixed seed (kernels/fuzz). */
async function fuzzTests() {
  const folder = 'kernels/build/fuzz';
  for (const [program, args] of [['cmake', ['-S', 'kernels/fuzz', '-B', folder, '-G', 'Ninja']], ['ninja', ['-C', folder]]]) {
    const { code } = await run(program, args);
    if (code !== 0) return counted(0, 0, code);
  }
  const { output, code } = await run('ctest', ['--test-dir', folder, '-j', '2', '--output-on-failure', '--no-tests=error']);
  const failed = sum(output, /(\d+) tests? failed out of/g);
  return counted(sum(output, /tests? failed out of (\d+)/g) - failed, failed, code);
}

/** A run of all tests shares one S3 server; a test that is run alone starts its own. */
async function withS3Server(work) {
  const { openS3Server, serverText, serverVariable } = await import('../protocol/dist/test/s3-server.js');
  const server = await openS3Server();
  try {
    return await work(server === null ? {} : { [serverVariable]: serverText(server) });
  } finally {
    await server?.stop();
  }
}

async function typescriptTests(args) {
  const ava = (env) => run(join(root, 'node_modules/.bin/ava'), args, env);
  const { output, code } = args.length === 0 ? await withS3Server(ava) : await ava();
  const failed = sum(output, /^\s*(\d+) tests? failed/gm) + sum(output, /^\s*(\d+) (?:uncaught|unhandled)/gm);
  return counted(sum(output, /^\s*(\d+) tests? passed/gm), failed, code);
}

const args = process.argv.slice(2);
const results = [...(args.length === 0 ? [await cppTests(), await fuzzTests()] : []), await typescriptTests(args)];
const passed = results.reduce((total, result) => total + result.passed, 0);
const failed = results.reduce((total, result) => total + result.failed, 0);
process.stdout.write(`\n${passed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
