// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { arch, availableParallelism, cpus, release, totalmem, type } from 'node:os';
import { fileURLToPath } from 'node:url';
import { sourcesHash } from '@altiplano/kernels';
import type { BenchReport, Machine } from './report.js';

/** This machine, as far as the system tells. */
export function describeMachine(): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown', arch: arch(), os: `${type()} ${release()}`,
    cores: availableParallelism(), memoryBytes: totalmem(), caches: caches('/sys/devices/system/cpu/cpu0/cache'),
  };
}

/** Sizes of the first core's caches; empty where the system has no such folder. */
function caches(folder: string): Record<string, number> {
  const read = (name: string): string => readFileSync(`${folder}/${name}`, 'utf8').trim();
  try {
    const sizes: Record<string, number> = {};
    for (const index of readdirSync(folder).filter((name) => name.startsWith('index')).sort()) {
      const kind = read(`${index}/type`);
      if (kind === 'Instruction') continue;
      const bytes = Number.parseInt(read(`${index}/size`), 10) * 1024;
      if (Number.isFinite(bytes)) sizes[`L${read(`${index}/level`)}${kind === 'Data' ? 'd' : ''}`] = bytes;
    }
    return sizes;
  } catch {
    return {}; // not Linux, or a container that hides it: a report without caches is still true
  }
}

const root = fileURLToPath(new URL('../../..', import.meta.url));

/** The checkout's commit; null where there is no git or no checkout. */
export function describeCommit(): BenchReport['commit'] {
  const git = (...args: string[]): string => execFileSync('git', ['-C', root, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  try {
    return { hash: git('rev-parse', 'HEAD').trim(), modified: git('status', '--porcelain', '--untracked-files=no').trim() !== '' };
  } catch {
    return null;
  }
}

/** What ran. */
export function describeVersions(): Record<string, string> {
  const { version } = createRequire(import.meta.url)(`${root}/package.json`) as { readonly version: string };
  return { altiplano: version, kernels: sourcesHash.slice(0, 12), node: process.versions.node };
}
