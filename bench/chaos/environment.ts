// SPDX-License-Identifier: Apache-2.0
import type { S3Server } from '@altiplano/protocol/testing';

/** Marks every process of a run, so that one that was left over is found, whoever its parent is by then. */
export const runVariable = 'ALTIPLANO_CHAOS_RUN';

/** What the programs of a run get of our environment: nothing but where programs are. */
export function plainEnvironment(marker: string, folder: string): Record<string, string> {
  return { PATH: process.env['PATH'] ?? '/usr/bin:/bin', HOME: folder, TMPDIR: folder, [runVariable]: marker };
}

/** Where a bucket is and who asks, by AWS's variables. */
export const s3Environment = ({ credentials }: S3Server, endpoint: string): Record<string, string> => ({
  AWS_ENDPOINT_URL: endpoint, AWS_ACCESS_KEY_ID: credentials.accessKeyId, AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
  AWS_EC2_METADATA_DISABLED: 'true',
  // Much less than a scene takes, and more than a busy machine's server needs.
  ALTIPLANO_S3_TIMEOUT: '2',
});

/** Our own way to the server, around the faults. */
export function useServer(server: S3Server): void {
  Object.assign(process.env, s3Environment(server, server.endpoint), { ALTIPLANO_S3_TIMEOUT: '20' });
}
