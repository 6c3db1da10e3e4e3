// SPDX-License-Identifier: Apache-2.0
import dns from 'node:dns';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nkeys } from '@nats-io/transport-node';
import test, { type ExecutionContext } from 'ava';
import { type AltiplanoError, InputError, taskSubject } from '../src/index.js';
import { type NatsAccess, type NatsAuth, type NatsServer, openNatsQueue, startNatsServer } from '../io/index.js';
import { makeAuthority, makeCertificate } from './certificates.js';
import { ingestTask } from './task-queue-conformance.js';

async function newFolder(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'altiplano-access-test-'));
  t.teardown(() => rm(folder, { recursive: true, force: true, maxRetries: 3 }));
  return folder;
}

async function newServer(t: ExecutionContext, config: string, port?: number): Promise<NatsServer> {
  const server = await startNatsServer({ storeDir: await newFolder(t), config, ...(port !== undefined && { port }) });
  t.teardown(() => server.stop());
  return server;
}

/** Connects, as a proof makes and asks for streams, and ends. */
async function use(access: NatsAccess): Promise<void> {
  const queue = await openNatsQueue({ ...access, connectTimeoutMs: 0 });
  try {
    await queue.ensure();
  } finally {
    await queue.close();
  }
}

/** Names have two addresses here, and nobody listens at the first: so is localhost on many machines, whatever this one's is. */
Object.assign(dns, {
  lookup: (_name: string, _options: dns.LookupAllOptions, tell: (error: null, addresses: dns.LookupAddress[]) => void): void => {
    tell(null, [{ address: '::1', family: 6 }, { address: '127.0.0.1', family: 4 }]);
  },
});

const portOf = (server: NatsServer): number => Number(new URL(server.url).port);
/** By name: the client doesn't look for addresses in certificates. */
const address = (server: NatsServer, scheme = 'nats'): string => `${scheme}://localhost:${portOf(server)}`;
const refused = async (t: ExecutionContext, access: NatsAccess, why: RegExp): Promise<void> => {
  const error = await t.throwsAsync(use(access), { instanceOf: InputError });
  t.regex(error.message, why);
};

test('user and password, from a value or a file whose newline is not part of it', async (t) => {
  const server = await newServer(t, 'authorization { user: ada, password: "correct horse " }');
  const folder = await newFolder(t);
  const file = join(folder, 'password');
  const by = (password: { value: string } | { file: string }): NatsAccess => ({ servers: server.url, auth: { by: 'password', user: 'ada', password } });
  await writeFile(file, 'correct horse \n');
  await use(by({ value: 'correct horse ' }));
  await use(by({ file }));
  await refused(t, by({ value: 'correct horse' }), /Authorization Violation.*check the credentials/);
  await refused(t, { servers: server.url }, /check the credentials/);
  await writeFile(file, '\n');
  await refused(t, by({ file }), /password .*password: is empty/);
  await refused(t, by({ file: join(folder, 'none') }), /NATS password .*none: can't be read: ENOENT/);
  await refused(t, { servers: `nats://ada:secret@127.0.0.1:${portOf(server)}` }, /^(?!.*secret).*NATS_PASSWORD_FILE/);
});

test('a token, and an nkey by the file of its seed', async (t) => {
  const user = nkeys.createUser();
  const folder = await newFolder(t);
  const seed = new TextDecoder().decode(user.getSeed());
  const seedFile = join(folder, 'user.nk');
  const byToken = await newServer(t, 'authorization { token: sesame }');
  await use({ servers: byToken.url, auth: { by: 'token', token: { value: 'sesame' } } });
  await refused(t, { servers: byToken.url, auth: { by: 'token', token: { value: 'salami' } } }, /check the credentials/);
  const byKey = await newServer(t, `authorization { users: [{ nkey: ${user.getPublicKey()} }] }`);
  await writeFile(seedFile, `# made by nk\n${seed}\n`);
  await use({ servers: byKey.url, auth: { by: 'nkey', seedFile } });
  await writeFile(seedFile, new TextDecoder().decode(nkeys.createUser().getSeed()));
  await refused(t, { servers: byKey.url, auth: { by: 'nkey', seedFile } }, /check the credentials/);
  await writeFile(seedFile, user.getPublicKey());
  await refused(t, { servers: byKey.url, auth: { by: 'nkey', seedFile } }, /user\.nk: holds no user's seed/);
});

test('a .creds file', async (t) => {
  const [operator, account, user] = [nkeys.createOperator(), nkeys.createAccount(), nkeys.createUser()];
  const jwt = (key: nkeys.KeyPair, by: nkeys.KeyPair, type: string, limits: object = {}): string => {
    const base64 = (value: object | Uint8Array): string =>
      Buffer.from(value instanceof Uint8Array ? value : new TextEncoder().encode(JSON.stringify(value))).toString('base64url');
    const body = `${base64({ typ: 'JWT', alg: 'ed25519-nkey' })}.${base64({
      jti: 'x', iat: 1_700_000_000, iss: by.getPublicKey(), name: type, sub: key.getPublicKey(), nats: { type, version: 2, ...limits },
    })}`;
    return `${body}.${base64(by.sign(new TextEncoder().encode(body)))}`;
  };
  const none = -1;
  const accountJwt = jwt(account, operator, 'account', { limits: {
    subs: none, data: none, payload: none, imports: none, exports: none, wildcards: true, conn: none, leaf: none, mem_storage: none, disk_storage: none, streams: none, consumer: none,
  } });
  const system = nkeys.createAccount();
  const server = await newServer(t, `
    operator: ${jwt(operator, operator, 'operator')}
    system_account: ${system.getPublicKey()}
    resolver: MEMORY
    resolver_preload { ${account.getPublicKey()}: ${accountJwt}, ${system.getPublicKey()}: ${jwt(system, operator, 'account')} }`);
  const credsFile = join(await newFolder(t), 'user.creds');
  const seed = new TextDecoder().decode(user.getSeed());
  await writeFile(credsFile, `-----BEGIN NATS USER JWT-----\n${jwt(user, account, 'user', { subs: none, data: none, payload: none })}\n------END NATS USER JWT------\n
-----BEGIN USER NKEY SEED-----\n${seed}\n------END USER NKEY SEED------\n`);
  const auth: NatsAuth = { by: 'creds', credsFile };
  await use({ servers: server.url, auth });
  await refused(t, { servers: server.url }, /check the credentials/);
  await writeFile(credsFile, seed);
  await refused(t, { servers: server.url, auth }, /user\.creds: not a \.creds file/);
});

test('TLS: a server of a known authority is trusted; of an unknown one, expired, or of another name, refused', async (t) => {
  const folder = await newFolder(t);
  const authority = await makeAuthority(folder, 'authority');
  const stranger = await makeAuthority(folder, 'stranger');
  const tlsServer = async (name: string, altName: string, days?: number): Promise<NatsServer> => {
    const { certFile, keyFile } = await makeCertificate(folder, name, authority, altName, days);
    return newServer(t, `tls { cert_file: "${certFile}", key_file: "${keyFile}" }`);
  };
  const server = await tlsServer('server', 'DNS:localhost');
  const tls = { caFile: authority.certFile };
  await use({ servers: address(server, 'tls'), tls });
  await use({ servers: address(server), tls });
  await refused(t, { servers: address(server) }, /--nats-ca \(NATS_CA\)/);
  await refused(t, { servers: address(server), tls: { caFile: stranger.certFile } }, /--nats-ca \(NATS_CA\)/);
  await refused(t, { servers: address(server), tls: { caFile: join(folder, 'none.pem') } }, /none\.pem: can't be read/);
  await refused(t, { servers: address(await tlsServer('old', 'DNS:localhost', -1)), tls }, /renew the server's certificate/);
  await refused(t, { servers: address(await tlsServer('other', 'DNS:elsewhere.example')), tls }, /address the server by the name/);
});

test('TLS is not left out where it is asked for', async (t) => {
  const server = await newServer(t, '');
  await refused(t, { servers: address(server, 'tls') }, /whether the server speaks TLS/);
  await refused(t, { servers: address(server), tls: {} }, /whether the server speaks TLS/);
});

test('mutual TLS: the server takes a certificate of its authority, no other and not none', async (t) => {
  const folder = await newFolder(t);
  const authority = await makeAuthority(folder, 'authority');
  const stranger = await makeAuthority(folder, 'stranger');
  const own = await makeCertificate(folder, 'server', authority, 'DNS:localhost');
  const client = await makeCertificate(folder, 'client', authority, 'DNS:agent');
  const strange = await makeCertificate(folder, 'strange', stranger, 'DNS:agent');
  const server = await newServer(t, `tls { cert_file: "${own.certFile}", key_file: "${own.keyFile}", ca_file: "${authority.certFile}", verify: true }`);
  const servers = address(server, 'tls');
  const caFile = authority.certFile;
  await use({ servers, tls: { caFile, ...client } });
  await refused(t, { servers, tls: { caFile } }, /--nats-cert and --nats-key/);
  await refused(t, { servers, tls: { caFile, ...strange } }, /--nats-cert and --nats-key/);
  await refused(t, { servers, tls: { caFile, certFile: client.certFile } }, /go together/);
  await refused(t, { servers, tls: { caFile, certFile: client.certFile, keyFile: strange.keyFile } }, /check the TLS certificates and keys/);
});

test('a password replaced in its file is the one that is used at the next connection', async (t) => {
  const first = await newServer(t, 'authorization { user: a, password: old }');
  const file = join(await newFolder(t), 'password');
  await writeFile(file, 'old');
  const queue = await openNatsQueue({ servers: first.url, auth: { by: 'password', user: 'a', password: { file } } });
  t.teardown(() => queue.close());
  await first.stop();
  await writeFile(file, 'new');
  await newServer(t, 'authorization { user: a, password: new }', portOf(first));
  await queue.publishTasks([ingestTask('a')]);
  // The streams may still be on their way to being made on the new server: a task there has no consumer yet.
  let delivery = null;
  while (delivery === null) delivery = await queue.pullTask(['ingest'], 1_000, AbortSignal.timeout(30_000));
  t.is(delivery.subject, taskSubject('ingest', 'scene', 'a'));
});

test('a server that goes on refusing who was connected before is given up, with the reason', async (t) => {
  const first = await newServer(t, 'authorization { user: a, password: old }');
  const problems: string[] = [];
  const lost = new Promise<AltiplanoError>((resolve) => {
    void openNatsQueue({
      servers: first.url, auth: { by: 'password', user: 'a', password: { value: 'old' } }, refusedPatienceMs: 400,
      onProblem: (problem) => problems.push(problem.message), onLost: resolve,
    }).then(async (queue) => {
      t.teardown(() => queue.close());
      await first.stop();
      await newServer(t, 'authorization { user: a, password: new }', portOf(first));
    });
  });
  const reason = await lost;
  t.true(reason instanceof InputError);
  t.regex(reason.message, /check the credentials/);
  t.true(problems.includes(reason.message), 'it is told at the first refusal');
});
