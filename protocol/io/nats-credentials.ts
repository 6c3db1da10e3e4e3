// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { access, constants, readFile } from 'node:fs/promises';
import { type Authenticator, credsAuthenticator, nkeyAuthenticator, tokenAuthenticator, usernamePasswordAuthenticator } from '@nats-io/transport-node';
import { InputError, messageOf } from '../src/errors.js';

/** A secret itself, or the file it is in: read again for each connection, so that whoever rotates it needn't restart anything. */
export type Secret = { readonly value: string } | { readonly file: string };

/** How a program proves to the bus who it is. Files are read again for each connection. */
export type NatsAuth =
  | { readonly by: 'password'; readonly user: string; readonly password: Secret }
  | { readonly by: 'token'; readonly token: Secret }
  /** A file with a user's nkey seed ("SU..."). */
  | { readonly by: 'nkey'; readonly seedFile: string }
  /** A .creds file (JWT and seed). */
  | { readonly by: 'creds'; readonly credsFile: string };

/** PEM files, read again for each connection. */
export interface NatsTls {
  /** Certificates of the authorities to trust instead of the system's. */
  readonly caFile?: string;
  /** Our certificate and its key, for servers that verify their clients; both or none. */
  readonly certFile?: string;
  readonly keyFile?: string;
}

/** What the client needs to prove who we are. Throws InputError where a file can't be read or isn't what it should be. */
export async function authenticatorOf(auth: NatsAuth): Promise<Authenticator> {
  switch (auth.by) {
    case 'password': return usernamePasswordAuthenticator(auth.user, await currentSecret('NATS password', auth.password));
    case 'token': return tokenAuthenticator(await currentSecret('NATS token', auth.token));
    case 'nkey': return nkeyAuthenticator(await currentFile('nkey', auth.seedFile, (text, file) => {
      const [seed] = /\bSU[A-Z2-7]{56}\b/.exec(text) ?? [];
      if (seed === undefined) throw new InputError(`nkey ${file}: holds no user's seed ("SU..."); a public key ("U...") goes into the server's configuration`);
      return new TextEncoder().encode(seed);
    }));
    case 'creds': return credsAuthenticator(await currentFile('credentials', auth.credsFile, (text, file) => {
      if (!/BEGIN NATS USER JWT/.test(text) || !/BEGIN USER NKEY SEED/.test(text)) throw new InputError(`credentials ${file}: not a .creds file with JWT and seed`);
      return new TextEncoder().encode(text);
    }));
  }
}

async function currentSecret(what: string, secret: Secret): Promise<() => string> {
  if ('value' in secret) return () => secret.value;
  return currentFile(what, secret.file, (text, file) => {
    const value = text.replace(/\r?\n$/, '');
    if (value === '') throw new InputError(`${what} ${file}: is empty`);
    return value;
  });
}

/** What a file holds whenever it is asked for; while it can't be read, as in the middle of its replacement, what it held before. */
async function currentFile<T>(what: string, file: string, parse: (text: string, file: string) => T): Promise<() => T> {
  const first = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new InputError(`${what} ${file}: can't be read: ${messageOf(cause)}`, cause);
  });
  let last = parse(first, file);
  return () => {
    try {
      last = parse(readFileSync(file, 'utf8'), file);
    } catch {
      // The server judges what we had.
    }
    return last;
  };
}

/** Throws InputError where a file for TLS can't be read, or a certificate lacks its key. */
export async function checkTls({ caFile, certFile, keyFile }: NatsTls): Promise<void> {
  if ((certFile === undefined) !== (keyFile === undefined)) {
    throw new InputError("TLS: a client's certificate and its key go together; give both of NATS_CERT and NATS_KEY");
  }
  for (const file of [caFile, certFile, keyFile]) {
    if (file === undefined) continue;
    await access(file, constants.R_OK).catch((cause: unknown) => { throw new InputError(`TLS: ${file}: can't be read: ${messageOf(cause)}`, cause); });
  }
}
