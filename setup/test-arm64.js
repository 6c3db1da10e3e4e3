// SPDX-License-Identifier: Apache-2.0
// The kernels' tests on 64-bit ARM, without such a machine: cross-compiled, and run under qemu's emulation of the processor.
// Needs Debian or Ubuntu with the packages named below; the libraries for ARM are unpacked into a temporary folder and
// never installed. Usage: npm run test:arm64    (about 5 minutes on two cores)
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const kernels = fileURLToPath(new URL('../kernels', import.meta.url));
const triplet = 'aarch64-linux-gnu';
const compiler = `${triplet}-g++`;
const emulator = 'qemu-aarch64';
const libraries = ['libhwy-dev', 'libhwy1', 'libgtest-dev'];

function run(program, args, options = {}) {
  const { status, error } = spawnSync(program, args, { stdio: 'inherit', ...options });
  if (error !== undefined || status !== 0) throw new Error(`${program} ${args.join(' ')}: ${error?.message ?? `exit code ${String(status)}`}`);
}

function expectPackages() {
  const missing = [[compiler, `g++-${triplet}`], [emulator, 'qemu-user'], ['cmake', 'cmake'], ['ninja', 'ninja-build']]
    .filter(([program]) => spawnSync(program, ['--version']).status !== 0).map(([, name]) => name);
  if (missing.length > 0) throw new Error(`missing: ${missing.join(', ')}; run: apt-get install --no-install-recommends ${missing.join(' ')}`);
  const { stdout } = spawnSync('dpkg', ['--print-foreign-architectures'], { encoding: 'utf8' });
  if (!(stdout ?? '').split('\n').includes('arm64')) throw new Error('packages for arm64 are unknown here; run: dpkg --add-architecture arm64 && apt-get update');
}

const folder = mkdtempSync(join(tmpdir(), 'altiplano-arm64-'));
try {
  expectPackages();
  const root = join(folder, 'root'), build = join(folder, 'build'), libraryFolder = join(root, 'usr/lib', triplet);
  run('apt-get', ['download', ...libraries.map((name) => `${name}:arm64`)], { cwd: folder });
  for (const name of readdirSync(folder)) if (name.endsWith('.deb')) run('dpkg', ['-x', join(folder, name), root]);
  run('cmake', [
    '-S', kernels, '-B', build, '-G', 'Ninja', '-DCMAKE_SYSTEM_NAME=Linux', '-DCMAKE_SYSTEM_PROCESSOR=aarch64', `-DCMAKE_CXX_COMPILER=${compiler}`,
    `-DCMAKE_PREFIX_PATH=${join(root, 'usr')}`, `-DCMAKE_LIBRARY_ARCHITECTURE=${triplet}`,
    `-DCMAKE_CROSSCOMPILING_EMULATOR=${emulator};-L;/usr/${triplet};-E;LD_LIBRARY_PATH=${libraryFolder}`,
  ]);
  run('ninja', ['-C', build, 'kernel_tests']);
  run('ctest', ['--test-dir', build, '--output-on-failure', '--no-tests=error']);
} catch (error) {
  process.stderr.write(`test:arm64: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
