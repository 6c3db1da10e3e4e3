// SPDX-License-Identifier: Apache-2.0
import { execFile } from 'node:child_process';
import { access, constants, cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { parseAllDocuments } from 'yaml';

const root = fileURLToPath(new URL('../../..', import.meta.url));
/** A helm built from source takes the oldest version of Kubernetes that it knows for the cluster's. */
const kubeVersion = '1.30.0';

export interface Rendered { readonly code: number; readonly output: string }

/** The chart, ready to be rendered. */
export interface Chart {
  lint(values: readonly string[]): Promise<Rendered>;
  template(values: readonly string[]): Promise<Rendered>;
  remove(): Promise<void>;
}

/** The helm program: ALTIPLANO_HELM, else on the PATH, else as the set-up built it; null where there is none. */
async function findHelm(): Promise<string | null> {
  const named = process.env['ALTIPLANO_HELM'];
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  const candidates = named === undefined ? [...folders.map((folder) => join(folder, 'helm')), join(root, '.setup/bin/helm')] : [named];
  for (const candidate of candidates) if (await access(candidate, constants.X_OK).then(() => true, () => false)) return candidate;
  return null;
}

/** A copy of the chart with an empty chart in NATS's place, as its repository may be out of reach; null where there is no helm. */
export async function openChart(): Promise<Chart | null> {
  const helm = await findHelm();
  if (helm === null) return null;
  const folder = await mkdtemp(join(tmpdir(), 'altiplano-chart-test-'));
  await cp(join(root, 'helm/altiplano'), folder, { recursive: true });
  await mkdir(join(folder, 'charts/nats'), { recursive: true });
  await writeFile(join(folder, 'charts/nats/Chart.yaml'), 'apiVersion: v2\nname: nats\nversion: 1.3.0\n');
  const run = async (args: readonly string[]): Promise<Rendered> =>
    promisify(execFile)(helm, [...args, '--kube-version', kubeVersion], { maxBuffer: 1 << 24 }).then(
      ({ stdout }) => ({ code: 0, output: stdout }),
      (error: { readonly code: number; readonly stdout: string; readonly stderr: string }) => ({ code: error.code, output: error.stdout + error.stderr }));
  return {
    lint: (values) => run(['lint', folder, '--strict', ...values]),
    template: (values) => run(['template', 'release', folder, '--namespace', 'space', ...values]),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

/** As much of a Kubernetes object as the tests look at. */
export interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly data?: Readonly<Record<string, string>>;
  readonly spec?: {
    readonly replicas?: number;
    readonly template?: { readonly spec: PodSpec };
    readonly triggers?: readonly { readonly type: string; readonly metadata: Readonly<Record<string, string>> }[];
    readonly scaleTargetRef?: { readonly name: string };
  };
}
export interface PodSpec {
  readonly terminationGracePeriodSeconds: number;
  readonly automountServiceAccountToken: boolean;
  readonly securityContext: Readonly<Record<string, unknown>>;
  readonly volumes: readonly { readonly name: string; readonly secret?: { readonly secretName: string; readonly defaultMode: number } }[];
  readonly containers: readonly {
    readonly name: string;
    readonly args: readonly string[];
    readonly env: readonly { readonly name: string; readonly value?: string }[];
    readonly securityContext: Readonly<Record<string, unknown>>;
    readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
  }[];
}

/** The objects in rendered text; numbers as YAML 1.1 has them, which Kubernetes reads. */
export function manifestsIn(text: string): Manifest[] {
  return parseAllDocuments(text, { version: '1.1' }).flatMap((document): Manifest[] => {
    if (document.errors[0] !== undefined) throw document.errors[0];
    const value: unknown = document.toJS();
    return value === null ? [] : [value as Manifest];
  });
}
