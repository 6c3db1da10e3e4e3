// SPDX-License-Identifier: Apache-2.0
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newBucket, openS3Server } from '@altiplano/protocol/testing';
import { canMoveClocks } from './clock.js';
import { useServer } from './environment.js';
import { type Run, type Surroundings, runSeed } from './run-seed.js';
import type { Schedule } from './schedule.js';
import { makeWorld, uploadImages } from './world.js';

export interface SeedsOptions {
  /** Runs that deviate leave their folder here. */
  readonly keep: string;
  /** Told of each run; `kept` is the folder of one that deviated. */
  readonly onRun: (run: Run, kept: string | null) => void;
}

const needsClocks = ({ faults }: Schedule): boolean => faults.some(({ kind }) => kind === 'clock-jump');

/**
 * Runs schedules one after the other, on one scene and one S3 server, until the signal aborts. Those that this machine lacks something for are
 * left out, loudly.
 */
export async function runSeeds(schedules: readonly Schedule[], { keep, onRun }: SeedsOptions, signal: AbortSignal): Promise<Run[]> {
  const server = schedules.some(({ store }) => store === 's3') ? await openS3Server() : null;
  const possible = schedules.filter((schedule) => (schedule.store === 'file' || server !== null) && (canMoveClocks || !needsClocks(schedule)));
  if (possible.length < schedules.length) {
    process.stderr.write(`\n*** ${schedules.length - possible.length} CHAOS RUNS ARE SKIPPED: ${
      server === null ? 'no S3 server; ' : ''}${canMoveClocks ? '' : 'no libfaketime; '}install ceph-mon, ceph-osd, radosgw and faketime (Debian's names). ***\n\n`);
  }
  const folder = await mkdtemp(join(tmpdir(), 'altiplano-chaos-run-'));
  const runs: Run[] = [];
  try {
    const world = await makeWorld(folder);
    let s3: Surroundings['s3'] = null;
    if (server !== null) {
      useServer(server);
      const bucketUrl = `s3://${await newBucket(server)}`;
      s3 = { server, bucketUrl, images: await uploadImages(world.images, bucketUrl, folder) };
    }
    for (const schedule of possible) {
      if (signal.aborted) break;
      const name = `seed-${schedule.seed}`;
      const run = await runSeed(schedule, { world, folder: join(folder, name), s3 }, signal);
      runs.push(run);
      const kept = run.deviations.length === 0 ? null : join(keep, name);
      if (kept !== null) {
        await rm(kept, { recursive: true, force: true });
        await cp(join(folder, name), kept, { recursive: true });
      }
      await rm(join(folder, name), { recursive: true, force: true });
      onRun(run, kept);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    await rm(folder, { recursive: true, force: true });
    await server?.stop();
  }
  return runs;
}
