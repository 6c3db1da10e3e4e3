// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises';
import type { NatsAuth } from '../io/index.js';
import type { BusRole } from '../src/index.js';

const roles: readonly BusRole[] = ['agent', 'coordinator', 'viewer'];

export const roleAuth = (role: BusRole): NatsAuth => ({ by: 'password', user: role, password: { value: `${role}-password` } });

/** The same as variables of a program. */
export const roleEnvironment = (role: BusRole): Readonly<Record<string, string>> => ({ NATS_USER: role, NATS_PASSWORD: `${role}-password` });

/** The shipped permission set of a role. */
export const permissionsOf = (role: BusRole): Promise<string> => readFile(new URL(`../../../helm/altiplano/files/nats/${role}.conf`, import.meta.url), 'utf8');

/** Configuration of a nats-server with one user per role, who may do what the shipped permission sets say; who gives no name may do everything. */
export async function permissionsConfig(): Promise<string> {
  const users = await Promise.all(roles.map(async (role) => `{ user: ${role}, password: "${role}-password", permissions: {\n${await permissionsOf(role)}} }`));
  return `no_auth_user: anybody\nauthorization { users: [\n{ user: anybody, password: x }\n${users.join('\n')}\n] }\n`;
}
