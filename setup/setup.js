// SPDX-License-Identifier: Apache-2.0
// Brings a fresh clone to a state in which everything runs: system packages, npm packages, the native addon,
// compiled TypeScript. Plain JavaScript without dependencies, because it runs before there are any.
// Each step leaves a stamp in .setup/ and is skipped while its inputs are unchanged.
// Usage: node setup/setup.js [--quiet] [--tests]
// quiet: says something only when there is something to do; tests: also what only tests use, as far as it can be had.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const quiet = process.argv.includes('--quiet');

/** What the programs need from the system: a Debian package, and a file or program that shows it is there. */
const systemPackages = [
  { name: 'g++', program: 'g++' },
  { name: 'cmake', program: 'cmake' },
  { name: 'ninja-build', program: 'ninja' },
  { name: 'libgdal-dev', program: 'gdal-config' },
  { name: 'libzstd-dev', file: '/usr/include/zstd.h' },
  { name: 'libhwy-dev', file: '/usr/include/hwy/highway.h' },
  { name: 'libgtest-dev', file: '/usr/include/gtest/gtest.h' },
  { name: 'nats-server', program: process.env.ALTIPLANO_NATS_SERVER ?? 'nats-server' },
];

/** For the tests: certificates, an S3 server, and clocks to be moved; without the latter two they say that they skip. */
const testPackages = [
  { name: 'openssl', program: 'openssl' },
  { name: 'ceph-mon', program: 'ceph-mon' },
  { name: 'ceph-osd', program: 'ceph-osd' },
  { name: 'radosgw', program: 'radosgw' },
  { name: 'faketime', program: 'faketime' },
];

/** Renders the chart for the tests. */
const helmModule = 'helm.sh/helm/v3/cmd/helm@v3.19.0';

const onPath = (program) =>
  program.includes('/')
    ? existsSync(program)
    : (process.env.PATH ?? '').split(delimiter).some((folder) => folder !== '' && existsSync(join(folder, program)));

/** A program of an npm package of ours. */
const tool = (name) => join(root, 'node_modules/.bin', name);

function say(text) {
  process.stderr.write(`setup: ${text}\n`);
}

function fail(text) {
  say(text);
  process.exit(1);
}

/** Runs a program; its output is shown only if it fails. */
function run(program, args, what, env = {}) {
  const started = Date.now();
  say(`${what} ...`);
  const result = spawnSync(program, args, { cwd: root, env: { ...process.env, ...env }, encoding: 'utf8', maxBuffer: 1 << 28 });
  if (result.error !== undefined || result.status !== 0) {
    process.stderr.write(`${result.stdout ?? ''}${result.stderr ?? ''}`);
    fail(`${what} failed: ${program} ${args.join(' ')} (${result.error?.message ?? `exit code ${String(result.status)}`})`);
  }
  say(`${what}: done in ${((Date.now() - started) / 1000).toFixed(1)} s`);
}

function* filesBelow(folder, wanted) {
  for (const entry of readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      if (!['node_modules', 'build', 'dist', '.git'].includes(entry.name)) yield* filesBelow(path, wanted);
    } else if (wanted.test(entry.name)) yield path;
  }
}

function hashOf(paths) {
  const hash = createHash('sha256').update(process.version);
  for (const path of paths) hash.update(path.slice(root.length)).update('\0').update(readFileSync(path)).update('\0');
  return hash.digest('hex');
}

/** Does a step unless its stamp says that it was done for the same inputs. */
function once(step, inputs, result, work) {
  const stamp = join(root, '.setup', step);
  const hash = hashOf(inputs);
  if (existsSync(result) && existsSync(stamp) && readFileSync(stamp, 'utf8') === hash) return;
  work();
  mkdirSync(join(root, '.setup'), { recursive: true });
  writeFileSync(stamp, hash);
}

function installSystemPackages() {
  const missing = systemPackages
    .filter((p) => (p.program === undefined ? !existsSync(p.file) : !onPath(p.program)))
    .map((p) => p.name);
  if (missing.length === 0) return;
  const install = ['install', '-y', '--no-install-recommends', ...missing];
  const byHand = `sudo apt-get update && sudo apt-get ${install.join(' ')}`;
  if (!onPath('apt-get')) {
    fail(`these system packages are missing (Debian's names): ${missing.join(', ')}. Install their equivalents with your package manager; on Debian or Ubuntu: ${byHand}`);
  }
  const isRoot = process.getuid?.() === 0;
  if (!isRoot && spawnSync('sudo', ['-n', 'true']).status !== 0) {
    fail(`system packages are missing and this user may not install them. Run: ${byHand}`);
  }
  const [program, prefix] = isRoot ? ['apt-get', []] : ['sudo', ['-n', 'DEBIAN_FRONTEND=noninteractive', 'apt-get']];
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  run(program, [...prefix, 'update'], 'package lists', env);
  run(program, [...prefix, ...install], `system packages (${missing.join(', ')})`, env);
}

/** Tests that lack a server skip, so this may fail; each machine tries once for what it lacks. */
function installTestPackages() {
  const missing = testPackages.filter((p) => !onPath(p.program)).map((p) => p.name);
  if (missing.length === 0) return;
  const stamp = join(root, '.setup', 'test-packages');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === missing.join(' ')) return;
  mkdirSync(join(root, '.setup'), { recursive: true });
  writeFileSync(stamp, missing.join(' '));
  const isRoot = process.getuid?.() === 0;
  const install = ['install', '-y', '--no-install-recommends', ...missing];
  const [program, prefix] = isRoot ? ['apt-get', []] : ['sudo', ['-n', 'apt-get']];
  say(`packages for the tests (${missing.join(', ')}) ...`);
  const isDone = [['update'], install].every((args) =>
    spawnSync(program, [...prefix, ...args], { stdio: 'ignore', env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } }).status === 0);
  say(isDone ? 'packages for the tests: done' : `they can't be installed here, so the tests that need them will be skipped; by hand: sudo apt-get ${install.join(' ')}`);
}

/** The chart's tests skip where there is no helm, so this may fail, too; each machine tries once. */
function buildHelm() {
  const stamp = join(root, '.setup', 'helm');
  if (process.env.ALTIPLANO_HELM !== undefined || onPath('helm') || existsSync(stamp)) return;
  mkdirSync(join(root, '.setup'), { recursive: true });
  writeFileSync(stamp, helmModule);
  if (!onPath('go')) {
    say("no helm and no go to build it with, so the chart's tests will be skipped; see https://helm.sh/docs/intro/install");
    return;
  }
  say('helm for the tests of the chart (some minutes) ...');
  const env = { ...process.env, GOFLAGS: '', GOBIN: join(root, '.setup', 'bin') };
  const isDone = spawnSync('go', ['install', helmModule], { stdio: 'ignore', env }).status === 0;
  say(isDone ? 'helm: done' : "helm can't be built here, so the chart's tests will be skipped");
}

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 17)) fail(`Node.js ${process.version} is too old: 20.17 or newer is needed`);

installSystemPackages();
if (process.argv.includes('--tests')) {
  installTestPackages();
  buildHelm();
}
once('npm', [join(root, 'package-lock.json')], join(root, 'node_modules'), () => {
  run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], 'npm packages');
});
once(
  'addon',
  [...filesBelow(join(root, 'kernels'), /\.(cc|h|cmake)$|^CMakeLists\.txt$|^package\.json$/)],
  join(root, 'kernels/build/Release/altiplano_kernels.node'),
  () => run(tool('cmake-js'), ['compile', '-d', 'kernels', '-O', 'kernels/build', '-G', 'Ninja', '--target', 'addon'], 'native addon'),
);
once(
  'typescript',
  [...filesBelow(root, /\.ts$|^tsconfig\.json$|^package\.json$/)],
  join(root, 'coordinator/dist'),
  () => run(tool('tsc'), ['-b'], 'TypeScript'),
);
if (!quiet) say('ready');
