// SPDX-License-Identifier: Apache-2.0
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { type BusFlags, addBusOptions, addConfigOption, addStoreOption, busAccess } from '../config/index.js';
import { InputError } from '../src/index.js';

async function newFile(t: ExecutionContext, name: string, text: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'altiplano-config-test-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, name);
  await writeFile(file, text, { mode: 0o600 });
  return file;
}

const least = (text: string): number => {
  if (!(Number(text) >= 1)) throw new InvalidArgumentError('Expected at least 1.');
  return Number(text);
};

interface Parsed extends BusFlags { readonly store: string; readonly slots: number; readonly kinds: string; readonly eager?: boolean }

/** Parses as a program would, with these variables. */
function parse(args: readonly string[], env: Readonly<Record<string, string>> = {}): Parsed {
  const command = addConfigOption(addStoreOption(addBusOptions(new Command('program').exitOverride().configureOutput({ writeErr: () => undefined }))))
    .addOption(new Option('--slots <n>').env('TEST_SLOTS').default(7).argParser(least))
    .addOption(new Option('--kinds <list>').default('all'))
    .addOption(new Option('--eager'));
  const before = { ...process.env };
  try {
    for (const name of Object.keys(process.env)) if (/^(NATS|ALTIPLANO)_/.test(name)) delete process.env[name];
    Object.assign(process.env, env);
    command.parse([...args], { from: 'user' });
    return command.opts<Parsed & { [name: string]: unknown }>();
  } finally {
    process.env = before;
  }
}

test.serial('a flag wins over the environment, that over the file, the file over the default', async (t) => {
  const file = await newFile(t, 'agent.yaml', 'store: s3://of-file/x\nslots: 2\nnats: nats://file:1\nkinds: [align, stereo]\neager: true\n');
  t.like(parse(['--store', 'x']), { slots: 7, nats: 'nats://127.0.0.1:4222' });
  t.like(parse(['--config', file]), { slots: 2, store: 's3://of-file/x', nats: 'nats://file:1', kinds: 'align,stereo', eager: true });
  t.like(parse(['--config', file], { TEST_SLOTS: '3', NATS_URL: 'nats://env:1' }), { slots: 3, nats: 'nats://env:1', store: 's3://of-file/x' });
  t.like(parse(['--slots', '4', '--config', file], { TEST_SLOTS: '3' }), { slots: 4 });
  t.like(parse(['--config', file, '--slots', '4']), { slots: 4 });
  t.like(parse(['--slots', '4'], { ALTIPLANO_CONFIG: file, NATS_URL: 'nats://env:1' }), { slots: 4, nats: 'nats://env:1', store: 's3://of-file/x' });
  t.like(parse(['--config', await newFile(t, 'agent.json', '{"store": "/folder", "slots": 5}')]), { slots: 5, store: '/folder' });
  t.like(parse(['--store', 'x', '--config', await newFile(t, 'empty.yaml', '# nothing yet\n')]), { slots: 7 });
});

test.serial('one file serves commands that need the bus, the store or both', async (t) => {
  const file = await newFile(t, 'site.yaml', 'store: s3://of-file/x\nnats: nats://file:1\nnats-user: viewer\n');
  const read = (command: Command): unknown => addConfigOption(command).parse(['--config', file], { from: 'user' }).opts();
  t.like(read(addStoreOption(new Command('clean'))), { store: 's3://of-file/x' });
  t.like(read(addBusOptions(new Command('agents'))), { nats: 'nats://file:1', natsUser: 'viewer' });
});

test.serial('what is wrong with a file is bad usage that names the file and the key', async (t) => {
  for (const [text, expected] of [
    ['stoer: x', /agent\.yaml: unknown key 'stoer'; known are .*store/],
    ['config: other.yaml', /unknown key 'config'/],
    ['nats-password: secret', /unknown key 'nats-password'; known are .*nats-password-file/],
    ['slots: 0', /key 'slots': Expected at least 1/],
    ['slots: {a: 1}', /key 'slots': Expected a text/],
    ['slots:', /key 'slots': Expected a text/],
    ['eager: "yes"', /key 'eager': Expected true or false/],
    ['- store', /expected a map of options/],
    ['store: a\nstore: b', /Map keys must be unique/],
    ['store: "a', /quote/],
  ] as const) {
    const file = await newFile(t, 'agent.yaml', text);
    const error = t.throws(() => parse(['--store', 'x', '--config', file]), { instanceOf: CommanderError });
    t.is(error.exitCode, 1);
    t.regex(error.message, expected);
    t.true(error.message.includes(file));
  }
  t.regex(t.throws(() => parse(['--config', '/nowhere/a.yaml']), { instanceOf: CommanderError }).message, /config file \/nowhere\/a\.yaml: ENOENT/);
  t.regex(t.throws(() => parse([]), { instanceOf: CommanderError }).message, /--store/);
});

test('access to the bus comes of flags, and of secrets in variables or files', async (t) => {
  const warnings: string[] = [];
  const access = (flags: Partial<BusFlags>, env: Record<string, string> = {}) => busAccess({ nats: 'nats://a', ...flags }, env, (warning) => warnings.push(warning));
  t.deepEqual(await access({}), { servers: 'nats://a' });
  t.deepEqual((await access({ natsUser: 'u' }, { NATS_PASSWORD: 'p' })).auth, { by: 'password', user: 'u', password: { value: 'p' } });
  t.deepEqual((await access({ natsTokenFile: '/t' })).auth, { by: 'token', token: { file: '/t' } });
  t.deepEqual((await access({ natsNkey: '/n' })).auth, { by: 'nkey', seedFile: '/n' });
  t.deepEqual(await access({ natsCreds: '/c', natsCa: '/ca', natsInboxPrefix: '_I' }, { NATS_TOKEN: '' }),
    { servers: 'nats://a', auth: { by: 'creds', credsFile: '/c' }, tls: { caFile: '/ca' }, inboxPrefix: '_I' });
  t.deepEqual(warnings, []);
  for (const [flags, env, expected] of [
    [{ natsUser: 'u' }, {}, /NATS_PASSWORD_FILE/],
    [{}, { NATS_PASSWORD: 'p' }, /NATS_USER/],
    [{ natsUser: 'u', natsPasswordFile: '/p' }, { NATS_PASSWORD: 'p' }, /both NATS_PASSWORD and NATS_PASSWORD_FILE/],
    [{ natsCreds: '/c', natsNkey: '/n' }, {}, /NATS_NKEY, NATS_CREDS; give one/],
  ] as const) t.regex((await t.throwsAsync(access(flags, env), { instanceOf: InputError })).message, expected);
});

test('a secret that everybody on the machine may read is warned of', async (t) => {
  const file = await newFile(t, 'password', 'p');
  const warnings: string[] = [];
  const flags = { nats: 'nats://a', natsUser: 'u', natsPasswordFile: file };
  await busAccess(flags, {}, (warning) => warnings.push(warning));
  t.deepEqual(warnings, []);
  await chmod(file, 0o644);
  await busAccess(flags, {}, (warning) => warnings.push(warning));
  t.is(warnings.length, 1);
  t.regex(warnings[0] ?? '', /password is readable by everybody; chmod 600/);
});
