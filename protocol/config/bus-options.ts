// SPDX-License-Identifier: Apache-2.0
import { stat } from 'node:fs/promises';
import { type Command, Option } from 'commander';
import type { NatsAccess, NatsAuth, Secret } from '../io/index.js';
import { InputError } from '../src/errors.js';

/** What `addBusOptions` leaves in a command's options. */
export interface BusFlags {
  readonly nats: string;
  readonly natsUser?: string;
  readonly natsPasswordFile?: string;
  readonly natsTokenFile?: string;
  readonly natsNkey?: string;
  readonly natsCreds?: string;
  readonly natsCa?: string;
  readonly natsCert?: string;
  readonly natsKey?: string;
  readonly natsInboxPrefix?: string;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** Adds the options for the bus to a command. Their variables are those of the `nats` command line, with the same meaning. */
export function addBusOptions(command: Command): Command {
  return command
    .addOption(new Option('--nats <urls>', 'NATS servers, separated by commas; tls:// demands TLS').env('NATS_URL').default('nats://127.0.0.1:4222'))
    .addOption(new Option('--nats-user <name>', 'user name; give the password by NATS_PASSWORD or a file').env('NATS_USER'))
    .addOption(new Option('--nats-password-file <file>', 'file with the password').env('NATS_PASSWORD_FILE'))
    .addOption(new Option('--nats-token-file <file>', 'file with a token; or give the token itself by NATS_TOKEN').env('NATS_TOKEN_FILE'))
    .addOption(new Option('--nats-nkey <file>', "file with a user's nkey seed").env('NATS_NKEY'))
    .addOption(new Option('--nats-creds <file>', '.creds file: JWT and seed').env('NATS_CREDS'))
    .addOption(new Option('--nats-ca <file>', 'PEM file of the certificate authorities to trust; demands TLS').env('NATS_CA'))
    .addOption(new Option('--nats-cert <file>', "PEM file of this program's certificate, for mutual TLS").env('NATS_CERT'))
    .addOption(new Option('--nats-key <file>', 'PEM file of its key').env('NATS_KEY'))
    .addOption(new Option('--nats-inbox-prefix <subject>', 'subject prefix under which it receives answers (default: _INBOX_<role>, e.g. _INBOX_agent)').env('NATS_INBOX_PREFIX'));
}

/** The part of `--help` about secrets, to follow the options. */
export const secretsHelp = `
Secrets come from variables or from files, as Vault and Kubernetes mount them, never from flags:
  NATS    NATS_PASSWORD or NATS_PASSWORD_FILE; NATS_TOKEN or NATS_TOKEN_FILE; NATS_NKEY and NATS_CREDS name files.
          Files are read again for each connection, so you can replace them while the program runs.
  s3://   AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN; or AWS_PROFILE with AWS's files (at
          AWS_SHARED_CREDENTIALS_FILE and AWS_CONFIG_FILE if these are set); or the machine's role.
The S3 server is set by AWS_REGION, AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL (for servers other than AWS) and
ALTIPLANO_S3_PATH_STYLE=true|false. ALTIPLANO_S3_TIMEOUT says how many seconds it may be silent (20).`;

/**
 * How to reach the bus, from parsed options and the environment's secrets, ready for `openNatsQueue`. `warn` is told of files that everybody on
 * the machine may read. Throws InputError for what contradicts itself.
 */
export async function busAccess(flags: BusFlags, env: Environment, warn: (message: string) => void): Promise<NatsAccess> {
  const auth = authOf(flags, env);
  for (const file of secretFiles(auth, flags)) {
    if (await isReadByAll(file)) warn(`${file} is readable by everybody; chmod 600 it (in Kubernetes: defaultMode: 0440)`);
  }
  const { natsCa, natsCert, natsKey, natsInboxPrefix } = flags;
  const tls = {
    ...(natsCa !== undefined && { caFile: natsCa }), ...(natsCert !== undefined && { certFile: natsCert }), ...(natsKey !== undefined && { keyFile: natsKey }),
  };
  return {
    servers: flags.nats,
    ...(auth && { auth }),
    ...(Object.keys(tls).length > 0 && { tls }),
    ...(natsInboxPrefix !== undefined && { inboxPrefix: natsInboxPrefix }),
  };
}

function authOf(flags: BusFlags, env: Environment): NatsAuth | null {
  const password = secretOf('NATS_PASSWORD', env, flags.natsPasswordFile);
  const token = secretOf('NATS_TOKEN', env, flags.natsTokenFile);
  if (flags.natsUser !== undefined && password === null) throw new InputError('NATS_USER without a password; give NATS_PASSWORD or NATS_PASSWORD_FILE');
  if (flags.natsUser === undefined && password !== null) throw new InputError('a NATS password without its user; give --nats-user or NATS_USER');
  const ways: { readonly name: string; readonly auth: NatsAuth }[] = [];
  if (flags.natsUser !== undefined && password !== null) ways.push({ name: 'NATS_USER', auth: { by: 'password', user: flags.natsUser, password } });
  if (token !== null) ways.push({ name: 'NATS_TOKEN', auth: { by: 'token', token } });
  if (flags.natsNkey !== undefined) ways.push({ name: 'NATS_NKEY', auth: { by: 'nkey', seedFile: flags.natsNkey } });
  if (flags.natsCreds !== undefined) ways.push({ name: 'NATS_CREDS', auth: { by: 'creds', credsFile: flags.natsCreds } });
  if (ways.length > 1) throw new InputError(`more than one way to prove who we are to NATS: ${ways.map(({ name }) => name).join(', ')}; give one`);
  return ways[0]?.auth ?? null;
}

function secretOf(variable: string, env: Environment, file: string | undefined): Secret | null {
  const value = env[variable] === '' ? undefined : env[variable];
  if (value !== undefined && file !== undefined) throw new InputError(`both ${variable} and ${variable}_FILE (${file}) are given; give one`);
  if (file !== undefined) return { file };
  return value === undefined ? null : { value };
}

function secretFiles(auth: NatsAuth | null, { natsKey }: BusFlags): string[] {
  const files: string[] = natsKey === undefined ? [] : [natsKey];
  if (auth?.by === 'password' && 'file' in auth.password) files.push(auth.password.file);
  if (auth?.by === 'token' && 'file' in auth.token) files.push(auth.token.file);
  if (auth?.by === 'nkey') files.push(auth.seedFile);
  if (auth?.by === 'creds') files.push(auth.credsFile);
  return files;
}

/** A file that isn't there is told where it is read. */
const isReadByAll = (file: string): Promise<boolean> => stat(file).then(({ mode }) => (mode & 0o004) !== 0, () => false);
