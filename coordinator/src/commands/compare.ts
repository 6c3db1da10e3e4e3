// SPDX-License-Identifier: Apache-2.0
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { crsInfo, openInfo } from '@altiplano/kernels/raster';
import type { Command } from 'commander';
import { type Comparison, type ComparisonStatistics, clipFor, compareDsms } from '../compare.js';
import { isInBucket, letGdalRead } from '../input-files.js';
import { makeOutFolder } from '../out-folder.js';

interface CompareOptions { readonly json?: true; readonly out?: string; readonly png?: string; readonly mask?: string }

/** Adds `altiplano compare DSM REFERENCE` to the program. */
export function registerCompare(program: Command): void {
  program.command('compare')
    .argument('<dsm>', 'the DSM to judge: anything GDAL opens, as a file or s3://bucket/key')
    .argument('<reference>', 'the heights to judge it by, likewise')
    .option('--json', 'print one line of JSON instead of a table')
    .option('--mask <file>', 'score only the reference cells where this raster is not zero')
    .option('--png <file>', 'difference map to write (default: DSM-minus-REFERENCE.png in the working directory)')
    .option('--out <dir>', 'directory for the difference map')
    .addHelpText('after', `
Examples:
  altiplano compare scene/dsm.tif lidar.tif
  altiplano compare scene/dsm.tif lidar.tif --mask buildings.tif --out figures --json

The DSM is resampled to the reference's cells. Both may have any grid and CRS, but need the same vertical datum.
Exit codes: 0 compared, 1 failed, 2 bad usage or input.`)
    .action(async (dsm: string, reference: string, { json, out, png, mask }: CompareOptions) => {
      const name = `${basename(dsm, extname(dsm))}-minus-${basename(reference, extname(reference))}.png`;
      const map = resolve(png ?? join(out ?? '.', name));
      const isWanted = png !== undefined || out !== undefined;
      if (isWanted) await makeOutFolder(dirname(map));
      const hasMap = isWanted || (await isWritable(dirname(map)));
      if (!hasMap) process.stderr.write(`altiplano: no difference map, as nothing can be written to ${dirname(map)}; --out DIR puts it elsewhere\n`);
      for (const path of [dsm, reference, ...(mask === undefined ? [] : [mask])]) await letGdalRead(path);
      const hint = verticalHint(dsm, reference);
      if (hint !== null) process.stderr.write(`altiplano: ${hint}\n`);
      const comparison = compareDsms({ dsm: located(dsm), reference: located(reference), ...(hasMap && { png: map }), ...(mask === undefined ? {} : { mask: located(mask) }) });
      process.stdout.write(json ? `${JSON.stringify(comparison)}\n` : comparisonTable(comparison));
    });
}

const located = (path: string): string => (isInBucket(path) ? path : resolve(path));

const isWritable = (folder: string): Promise<boolean> => access(folder, constants.W_OK).then(() => true, () => false);

/** A warning where only one of two DSMs says what its heights refer to: they may differ by the geoid's tens of metres. */
function verticalHint(...paths: readonly [string, string]): string | null {
  const named = paths.map((path) => { const { crs } = openInfo(path); return crs !== null && crsInfo(crs).isCompound; });
  if (named[0] === named[1]) return null;
  const [stated, silent] = named[0] ? paths : [paths[1], paths[0]];
  return `${stated} states a vertical datum, ${silent} doesn't: heights are compared as they are`;
}

/** The comparison as a table for people. */
export function comparisonTable(comparison: Comparison): string {
  const { afterShift, shift, png } = comparison;
  const percent = (share: number): string => `${(100 * share).toFixed(2)} %`;
  const metres = (value: number): string => (Number.isFinite(value) ? `${value.toFixed(3)} m` : '-');
  const rows: readonly (readonly [string, (s: ComparisonStatistics) => string])[] = [
    ['reference cells with a height', (s) => percent(s.completeness)],
    ['reference cells within 1 m', (s) => percent(s.completenessWithin1m)],
    ['common cells within 1 m', (s) => (s.completeness > 0 ? percent(s.completenessWithin1m / s.completeness) : '-')],
    ['mean', (s) => metres(s.mean)],
    ['median', (s) => metres(s.median)],
    ['median |d|', (s) => metres(s.medianAbs)],
    ['NMAD', (s) => metres(s.nmad)],
    ['RMSE', (s) => metres(s.rmse)],
    ['LE90', (s) => metres(s.le90)],
    ['99 % of |d|', (s) => metres(s.p99)],
  ];
  const line = (name: string, before: string, after: string): string => `${name.padEnd(32)}${before.padStart(14)}${after.padStart(14)}`;
  const signed = (value: number): string => (Number.isFinite(value) ? `${value < 0 ? '' : '+'}${value.toFixed(3)} m` : '-');
  return [
    line('DSM - reference', 'as measured', 'shift removed'),
    ...rows.map(([name, value]) => line(name, value(comparison), value(afterShift))),
    '',
    `the DSM lies ${signed(shift.eastM)} east, ${signed(shift.northM)} north and ${signed(shift.heightM)} up from the reference`,
    ...(png === null ? [] : [`difference map: ${png} (blue: lower, red: higher, up to ${clipFor(comparison.nmad).toFixed(2)} m)`]),
    '',
  ].join('\n');
}
