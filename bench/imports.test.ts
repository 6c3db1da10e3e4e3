// SPDX-License-Identifier: Apache-2.0
// Holds the direction of imports that the README draws: protocol <- protocol/io <- protocol/config <- { node-agent, coordinator } <- bench,
// kernels <- everybody but protocol; agent and coordinator meet only in messages.
import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';

const root = fileURLToPath(new URL('../..', import.meta.url));
const packages = ['protocol', 'kernels', 'node-agent', 'coordinator', 'bench', 'helm'] as const;

/** What of ours each package may import. */
const allowed: Readonly<Record<(typeof packages)[number], readonly string[]>> = {
  'protocol': [],
  'kernels': [],
  'node-agent': ['protocol', 'protocol/plain', 'protocol/io', 'protocol/store', 'protocol/config', 'protocol/process', 'protocol/metrics', 'protocol/testing', 'kernels', 'kernels/simd-target', 'kernels/raster'],
  'coordinator': ['protocol', 'protocol/plain', 'protocol/io', 'protocol/store', 'protocol/config', 'protocol/process', 'protocol/metrics', 'protocol/testing', 'kernels', 'kernels/raster', 'kernels/testing'],
  'bench': ['protocol', 'protocol/io', 'protocol/testing', 'kernels', 'kernels/raster', 'kernels/testing', 'node-agent', 'coordinator'],
  'helm': ['protocol', 'protocol/io'],
};

/** A package's own folders that may not be reached from the folder before the arrow. */
const closedDoors = [
  { from: 'protocol/src/', to: 'protocol/io/' },
  { from: 'protocol/src/', to: 'protocol/config/' },
  { from: 'protocol/io/', to: 'protocol/config/' },
  { from: 'protocol/src/', to: 'protocol/process/' },
  { from: 'protocol/io/', to: 'protocol/process/' },
  { from: 'kernels/lib/', to: 'kernels/raster/' },
];

/** Who else than main.ts, config.ts and tests reads the environment, and why. */
const environmentReaders: Readonly<Record<string, string>> = {
  'protocol/io/nats-server.ts': 'looks for the nats-server program on PATH',
  'protocol/io/s3-client.ts': "reads the variables that AWS's own client has none for",
  'coordinator/src/commands/cluster-options.ts': "takes secrets for the commands that look at a cluster: each is an entrance of its own",
  'coordinator/src/commands/coordinator.ts': 'takes secrets for the bus: an entrance of its own',
  'coordinator/src/agent-processes.ts': 'takes the agent program from a variable, where packages are installed apart',
  'node-agent/src/tile-pool.ts': "hands a worker the process's environment with another TMPDIR",
  'bench/chaos/environment.ts': 'gives the programs of a run an environment of their own, and us the variables of the S3 server',
  'node-agent/src/crash-hook.ts': 'a hook for tests of crashes, which must reach the process that crashes',
  'bench/cluster/cluster.ts': 'hands programs its own environment and what they need besides',
  'kernels/test/data-folder.ts': 'finds the folder of test data, for tests only',
};

/** Dependencies no TypeScript imports: what builds the addon, and the programs that benches start. */
const usedOtherwise: Readonly<Record<string, readonly string[]>> = {
  kernels: ['cmake-js', 'node-addon-api', 'node-api-headers'],
  bench: ['@altiplano/node-agent', '@altiplano/coordinator'],
};

function filesOf(folder: string, wanted: RegExp): { readonly path: string; readonly text: string }[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return ['dist', 'build', 'node_modules'].includes(entry.name) ? [] : filesOf(path, wanted);
    return wanted.test(entry.name) ? [{ path, text: readFileSync(join(root, path), 'utf8') }] : [];
  });
}

const importsIn = (text: string): string[] =>
  [...text.matchAll(/(?:^(?:import|export)\b[^'"`;]*?\bfrom|^import|\bimport\()\s*['"]([^'"]+)['"]/gm)].map((match) => match[1] ?? '');
const isTest = (path: string): boolean => /\.test\.ts$|\/test\/|\/testing\//.test(path);

const typescript = packages.flatMap((name) => filesOf(name, /\.ts$/).map((file) => ({ ...file, package: name, imports: importsIn(file.text) })));
const native = filesOf('kernels', /\.(cc|h)$/);

test('packages import only what lies below them, by name and not by path', (t) => {
  t.true(typescript.length > 150, `${typescript.length} files`);
  for (const { path, package: name, imports } of typescript) {
    for (const specifier of imports) {
      if (specifier.startsWith('@altiplano/')) t.true(allowed[name].includes(specifier.slice('@altiplano/'.length)), `${path} imports ${specifier}`);
      if (!specifier.startsWith('.')) continue;
      const target = relative(root, join(root, dirname(path), specifier)).replaceAll('\\', '/');
      t.true(target.startsWith(`${name}/`), `${path} reaches out of its package to ${specifier}`);
      for (const { from, to } of closedDoors) t.false(!isTest(path) && path.startsWith(from) && target.startsWith(to), `${path} imports ${specifier}`);
    }
  }
});

test('what only tests may import, only tests import', (t) => {
  for (const { path, package: name, imports } of typescript) {
    if (isTest(path) || name === 'bench') continue;
    for (const specifier of imports) t.notRegex(specifier, /^(ava|fast-check|@altiplano\/(kernels|protocol)\/testing)$|\/testing\/|\/test\//, path);
  }
});

test('clients of the bus and of object stores stand behind protocol/io', (t) => {
  for (const { path, imports } of typescript) {
    if (!path.startsWith('protocol/io/') && !isTest(path)) t.false(imports.some((specifier) => /^@(nats-io|aws-sdk|smithy)\//.test(specifier)), path);
  }
});

test('the environment is read at the entrances only', (t) => {
  for (const { path, text } of typescript) {
    const reads = /\bprocess\.env\b/.test(text);
    if (path in environmentReaders) t.true(reads, `${path} is listed but reads nothing`);
    else if (!isTest(path)) t.true(!reads || /\/(main|config)\.ts$/.test(path), `${path} reads process.env`);
  }
});

test('every imported package is declared, and every declared one imported', (t) => {
  const manifest = (folder: string): Readonly<Record<string, Readonly<Record<string, string>>>> =>
    JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'));
  for (const name of packages) {
    const declared = Object.keys(manifest(name)['dependencies'] ?? {});
    const imported = new Set(typescript.filter((file) => file.package === name).flatMap(({ imports }) => imports)
      .filter((specifier) => !/^(\.|node:)/.test(specifier)).map((specifier) => specifier.split('/').slice(0, specifier.startsWith('@') ? 2 : 1).join('/')));
    const development = [manifest('.'), manifest(name)].flatMap(({ devDependencies }) => Object.keys(devDependencies ?? {}));
    for (const dependency of imported) t.true([...declared, ...development].includes(dependency), `${name} imports ${dependency} undeclared`);
    for (const dependency of declared) {
      t.true(imported.has(dependency) || usedOtherwise[name]?.includes(dependency), `${name} declares ${dependency} and doesn't import it`);
    }
  }
});

test('GDAL and N-API stay behind their doors, and SIMD out of headers', (t) => {
  t.true(native.length > 50, `${native.length} files`);
  for (const { path, text } of native) {
    const includes = [...text.matchAll(/^#include\s+[<"]([^>"]+)[>"]/gm)].map((match) => match[1] ?? '');
    const some = (pattern: RegExp): boolean => includes.some((include) => pattern.test(include));
    if (!/^kernels\/(raster|fuzz)\//.test(path)) t.false(some(/^(gdal|ogr|cpl)/), `${path} includes GDAL`);
    if (path.startsWith('kernels/src/')) t.false(some(/^(napi|node_api)|raster\//), `${path} includes N-API or the raster door`);
    if (path.startsWith('kernels/raster/') && !/binding\.cc$|napi_raster\.h$/.test(path)) t.false(some(/^napi/), `${path} includes N-API`);
    // Highway includes a header named so once per target; no other one may.
    if (path.endsWith('.h') && !/_(for_test|inl)\.h$/.test(path)) t.false(some(/^hwy\//), `${path} includes Highway`);
  }
});

test('every source file names its licence in its first lines', (t) => {
  const plain = ['setup', 'coordinator/bin', 'node-agent/bin'].flatMap((folder) => filesOf(folder, /\.js$/));
  for (const { path, text } of [...typescript, ...native, ...plain]) t.regex(text.split('\n', 2).join('\n'), /SPDX-License-Identifier: Apache-2\.0/, path);
});
