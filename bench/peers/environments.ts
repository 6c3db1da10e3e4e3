// SPDX-License-Identifier: Apache-2.0
// Where the other programs live: a Python environment each, outside of the tree, with the versions that are known to work.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

export type PeerName = 'opencv' | 's2p' | 'cars';

interface PeerEnvironment {
  readonly name: PeerName;
  /** What must be importable, and the distribution whose version is told. */
  readonly module: string;
  readonly distributions: readonly string[];
  /** Arguments of `pip install`, one call after the other. */
  readonly installs: readonly (readonly string[])[];
  /** What building it needs of the system, for the message where it fails. */
  readonly needs: string;
}

export const peerEnvironments: readonly PeerEnvironment[] = [
  {
    name: 'opencv', module: 'cv2', distributions: ['opencv-python-headless', 'opencv'], needs: 'nothing else; Debian has it as python3-opencv, too',
    installs: [['opencv-python-headless==5.0.0.93', 'numpy']],
  },
  {
    // Of 2021: it wants a numpy that still has np.bool, its pin of pyproj has no wheel for today's Python (newer ones work), and its C
    // programs are built by make while pip installs it.
    name: 's2p', module: 's2p', distributions: ['s2p'], needs: 'a C and C++ compiler, make, libfftw3-dev libtiff-dev libjpeg-dev libpng-dev',
    installs: [
      ['setuptools<70', 'wheel', 'pybind11', 'numpy==1.23.5', 'scipy==1.10.1'],
      ['--no-build-isolation', 'numpy==1.23.5', 'rasterio==1.3.11', 'utm', 'pyproj', 'beautifulsoup4[lxml]', 'plyfile', 'plyflatten==0.2.0', 'ransac==1.0.4', 'rpcm==1.4.10',
        'srtm4==1.2.5', 'requests'],
      ['--no-build-isolation', '--no-deps', 's2p==1.0b25'],
    ],
  },
  { name: 'cars', module: 'cars', distributions: ['cars'], needs: 'about 2 GB of disk; it brings Pandora and shareloc', installs: [['cars==1.3.0']] },
];

export const defaultPeersFolder = join(homedir(), '.cache', 'altiplano-peers');

/** A peer that can be run, or why it can't. */
export type FoundPeer = { readonly name: PeerName; readonly python: string; readonly version: string } | { readonly name: PeerName; readonly missing: string };

const run = promisify(execFile);

/** Looks for a peer: in its environment below `folder`, OpenCV also in the system's Python. Never installs anything. */
export async function findPeer(folder: string, name: PeerName): Promise<FoundPeer> {
  const { module, distributions } = environmentOf(name);
  const code = `import importlib.metadata as m, ${module}
names = [d.metadata["Name"] for d in m.distributions()]
print(next((m.version(n) for n in ${JSON.stringify(distributions)} if n in names), getattr(${module}, "__version__", "unknown")))`;
  const reasons: string[] = [];
  for (const python of [join(folder, name, 'bin', 'python'), ...(name === 'opencv' ? ['/usr/bin/python3'] : [])]) {
    try {
      const { stdout } = await run(python, ['-c', code], { timeout: 120_000 });
      return { name, python, version: stdout.trim() };
    } catch (error) {
      reasons.push(`${python}: ${lastLine(error)}`);
    }
  }
  return { name, missing: `${reasons.join('; ')}. Set it up with: npm run bench -- peers --install` };
}

/** Sets up environments from scratch, a quarter of an hour for each at most. Says every command. Returns what failed, with the reason. */
export async function installPeers(folder: string, names: readonly PeerName[], say: (text: string) => void): Promise<FoundPeer[]> {
  await mkdir(folder, { recursive: true });
  const found: FoundPeer[] = [];
  for (const name of names) {
    const { installs, needs } = environmentOf(name), home = join(folder, name), signal = AbortSignal.timeout(15 * 60_000);
    say(`${name}: a Python environment in ${home}; needs ${needs}`);
    try {
      await rm(home, { recursive: true, force: true });
      await command(['python3', '-m', 'venv', home], signal, say);
      for (const packages of installs) await command([join(home, 'bin', 'pip'), 'install', '--no-input', '--prefer-binary', '--quiet', ...packages], signal, say);
      found.push(await findPeer(folder, name));
    } catch (error) {
      found.push({ name, missing: `${lastLine(error)} (it needs ${needs})` });
    }
  }
  return found;
}

async function command([program = '', ...args]: readonly string[], signal: AbortSignal, say: (text: string) => void): Promise<void> {
  say(`  ${program} ${args.join(' ')}`);
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'], signal });
  let errors = '';
  child.stderr.on('data', (data) => { errors = (errors + String(data)).slice(-4000); });
  const [code]: unknown[] = await once(child, 'close');
  if (code !== 0) throw new Error(`${program} ${args[0] ?? ''} ended with ${String(code)}: ${errors.trim().split('\n').slice(-3).join(' ')}`);
}

function environmentOf(name: PeerName): PeerEnvironment {
  const found = peerEnvironments.find((environment) => environment.name === name);
  if (found === undefined) throw new Error(`no peer ${name}`);
  return found;
}

const lastLine = (error: unknown): string => (error instanceof Error ? error.message : String(error)).trim().split('\n').at(-1) ?? '';
