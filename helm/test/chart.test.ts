// SPDX-License-Identifier: Apache-2.0
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { AccessDeniedError, type Task, taskConsumer, taskKinds, tasksStream } from '@altiplano/protocol';
import { openNatsQueue, startNatsServer } from '@altiplano/protocol/io';
import { type Chart, type Manifest, type PodSpec, manifestsIn, openChart } from './helm.js';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const store = ['--set', 'store.url=s3://bucket/prefix'];
const everything = [
  ...store, '--set', 'store.region=eu-1', '--set', 'store.endpoint=https://s3.example', '--set', 'store.pathStyle=true', '--set', 'store.secretName=s3',
  '--set', 'bus.tls.caSecretName=ca', '--set', 'bus.tls.coordinatorSecretName=tls-c', '--set', 'bus.tls.agentSecretName=tls-a', '--set', 'coordinator.scenes=3',
  '--set', 'agents.kinds={stereo,coarse}', '--set', 'networkPolicy.enabled=true', '--set', 'metrics.podMonitor.enabled=true', '--set', 'agents.graceSeconds=90',
];

async function withChart(t: ExecutionContext, run: (chart: Chart) => Promise<void>): Promise<void> {
  const chart = await openChart();
  if (chart === null) {
    t.log('SKIPPED: no helm (https://helm.sh) on the PATH or at ALTIPLANO_HELM, and none built by the set-up');
    t.pass();
    return;
  }
  try {
    await run(chart);
  } finally {
    await chart.remove();
  }
}

async function render(t: ExecutionContext, chart: Chart, values: readonly string[]): Promise<Manifest[]> {
  const { code, output } = await chart.template(values);
  t.is(code, 0, output);
  return manifestsIn(output);
}

const podOf = (manifests: readonly Manifest[], program: string): PodSpec => {
  const spec = manifests.find(({ kind, metadata }) => kind === 'Deployment' && metadata.name === `release-altiplano-${program}`)?.spec?.template?.spec;
  if (spec === undefined) throw new Error(`no deployment of ${program}`);
  return spec;
};

test('the chart passes helm lint, and its values their schema', (t) => withChart(t, async (chart) => {
  for (const values of [store, everything]) {
    const { code, output } = await chart.lint(values);
    t.is(code, 0, output);
  }
}));

test('values that are wrong or missing are told', (t) => withChart(t, async (chart) => {
  for (const [values, expected] of [
    [[], /store\.url is empty/],
    [[...store, '--set', 'agent.slots=2'], /additional properties 'agent' not allowed/],
    [[...store, '--set', 'agents.kinds={ortho}'], /agents\/kinds/],
    [[...store, '--set', 'bus.url=nats://user:secret@host'], /bus\/url/],
    [[...store, '--set', 'nats.enabled=false'], /bus\.monitoring/],
    [[...store, '--set', 'nats.enabled=false', '--set', 'agents.keda.enabled=false'], /bus\.url is empty/],
  ] as const) {
    const { code, output } = await chart.template(values);
    t.not(code, 0);
    t.regex(output, expected);
  }
}));

test('what the chart gives the programs are options and variables they have', (t) => withChart(t, async (chart) => {
  const manifests = await render(t, chart, everything);
  for (const [program, command] of [['agent', ['agent']], ['coordinator', ['coordinator']]] as const) {
    const { stdout: help } = await promisify(execFile)(process.execPath, [join(root, 'coordinator/bin/altiplano.js'), ...command, '--help']);
    const [container] = podOf(manifests, program).containers;
    const flags = container?.args.filter((arg) => arg.startsWith('--')).map((arg) => arg.split('=')[0] ?? '') ?? [];
    t.true(flags.length >= 4);
    for (const flag of flags) t.regex(help, new RegExp(`^ +${flag} `, 'm'), `${program} ${flag}`);
    for (const { name } of container?.env ?? []) if (/^(NATS|ALTIPLANO|AWS)_/.test(name)) t.true(help.includes(name), `${program} ${name}`);
  }
}));

test('an agent has the time it may take for its tasks, and some more to hand them back', (t) => withChart(t, async (chart) => {
  for (const [values, taskTimeout, grace] of [[store, 1800, 1800], [everything, 1800, 90], [[...store, '--set', 'agents.taskTimeoutSeconds=600'], 600, 600]] as const) {
    const pod = podOf(await render(t, chart, values), 'agent');
    const args = pod.containers[0]?.args ?? [];
    t.true(args.includes(`--task-timeout=${taskTimeout}`));
    t.true(args.includes(`--grace=${grace}`));
    t.is(pod.terminationGracePeriodSeconds, grace + 15);
  }
}));

test('KEDA scales agents by the lag of the streams and consumers they pull from', (t) => withChart(t, async (chart) => {
  const triggersOf = (manifests: readonly Manifest[]) => manifests.find(({ kind }) => kind === 'ScaledObject')?.spec;
  const all = triggersOf(await render(t, chart, store));
  t.is(all?.scaleTargetRef?.name, 'release-altiplano-agent');
  t.deepEqual(all?.triggers?.map(({ metadata }) => [metadata['stream'], metadata['consumer']]), taskKinds.map((kind) => [tasksStream(kind), taskConsumer(kind)]));
  for (const { metadata } of all?.triggers ?? []) t.is(metadata['natsServerMonitoringEndpoint'], 'altiplano-nats-headless.space.svc:8222');
  t.is(triggersOf(await render(t, chart, everything))?.triggers?.length, 2);
  const fixed = await render(t, chart, [...store, '--set', 'agents.keda.enabled=false', '--set', 'agents.replicas=7']);
  t.is(triggersOf(fixed), undefined);
  t.is(fixed.find(({ kind, metadata }) => kind === 'Deployment' && metadata.name === 'release-altiplano-agent')?.spec?.replicas, 7);
}));

test('pods run without rights: no root, a root folder to be read only, no token, secrets by name', (t) => withChart(t, async (chart) => {
  const manifests = await render(t, chart, everything);
  t.false(manifests.some(({ kind }) => kind === 'Secret'));
  for (const program of ['agent', 'coordinator']) {
    const pod = podOf(manifests, program);
    t.like(pod.securityContext, { runAsNonRoot: true, runAsUser: 1000, fsGroup: 1000 });
    t.false(pod.automountServiceAccountToken);
    for (const { secret } of pod.volumes) if (secret !== undefined) t.is(secret.defaultMode, 0o440);
    for (const container of pod.containers) {
      t.like(container.securityContext, { readOnlyRootFilesystem: true, allowPrivilegeEscalation: false });
      t.deepEqual(container.volumeMounts.map(({ name }) => name), pod.volumes.map(({ name }) => name));
      t.is(container.env.find(({ name }) => name === 'TMPDIR')?.value, '/scratch');
      t.false(container.env.some(({ name }) => ['NATS_PASSWORD', 'NATS_TOKEN', 'AWS_SECRET_ACCESS_KEY'].includes(name)));
    }
  }
}));

test('each way to prove to the bus who we are has its variable', (t) => withChart(t, async (chart) => {
  for (const [method, variable] of [['password', 'NATS_PASSWORD_FILE'], ['token', 'NATS_TOKEN_FILE'], ['nkey', 'NATS_NKEY'], ['creds', 'NATS_CREDS']] as const) {
    const pod = podOf(await render(t, chart, [...store, '--set', `bus.auth.method=${method}`]), 'agent');
    t.is(pod.containers[0]?.env.find(({ name }) => name === variable)?.value, '/run/secrets/nats/secret');
    t.is(pod.volumes.find(({ name }) => name === 'nats')?.secret?.secretName, 'altiplano-nats');
  }
  const none = podOf(await render(t, chart, [...store, '--set', 'bus.auth.method=none']), 'agent');
  t.deepEqual(none.volumes.map(({ name }) => name), ['scratch']);
}));

test.serial('a nats-server takes the users the chart makes, with passwords from its environment', (t) => withChart(t, async (chart) => {
  const manifests = await render(t, chart, store);
  const data = manifests.find(({ kind }) => kind === 'ConfigMap')?.data ?? {};
  const folder = await mkdtemp(join(tmpdir(), 'altiplano-users-test-'));
  t.teardown(() => rm(folder, { recursive: true, force: true, maxRetries: 3 }));
  for (const [name, text] of Object.entries(data)) await writeFile(join(folder, name), text);
  for (const role of ['coordinator', 'agent', 'viewer']) process.env[`ALTIPLANO_${role.toUpperCase()}_PASSWORD`] = `of${role}`;
  const server = await startNatsServer({ storeDir: folder, config: 'include "users.conf"' });
  t.teardown(() => server.stop());
  const open = async (user: 'coordinator' | 'agent', as: { readonly role?: 'viewer'; readonly inboxPrefix?: string } = {}) => {
    const queue = await openNatsQueue({ servers: server.url, role: user, ...as, auth: { by: 'password', user, password: { value: `of${user}` } } });
    t.teardown(() => queue.close());
    return queue;
  };
  const [coordinator, agent] = [await open('coordinator'), await open('agent')];
  const task: Task = { v: 1, kind: 'ingest', sceneId: 'scene', taskId: 'a', round: 0, source: '/x.tif', band: 1, mask: null, outKey: 'k' };
  await coordinator.ensure();
  await coordinator.publishTasks([task]);
  await agent.ensure();
  await (await agent.pullTask(['ingest'], 5_000, new AbortController().signal))?.ack();
  await t.throwsAsync(agent.publishTasks([task]), { instanceOf: AccessDeniedError });

  // What people run in a coordinator's pod looks as a viewer, with the account and the variables of the pod.
  const { env } = podOf(manifests, 'coordinator').containers[0] ?? { env: [] };
  const inboxPrefix = env.find(({ name }) => name === 'NATS_INBOX_PREFIX')?.value ?? '';
  const looking = await open('coordinator', { role: 'viewer', inboxPrefix });
  t.is((await looking.agents()).size, 0);
  t.is((await looking.depth()).ingest, 0);
}));

test('the image has what the programs need: every folder it copies is there', async (t) => {
  const dockerfile = await readFile(join(root, 'Dockerfile'), 'utf8');
  const workspaces: { readonly workspaces: readonly string[] } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  for (const name of workspaces.workspaces) t.true(dockerfile.includes(`COPY ${name}/package.json ${name}/\n`), `${name}: npm ci wants every workspace`);
  for (const target of ['coordinator', 'agent']) t.true(dockerfile.includes(`AS ${target}\n`));
});
