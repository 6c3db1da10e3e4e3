// SPDX-License-Identifier: Apache-2.0
import { Command, InvalidArgumentError, Option } from 'commander';
import { InputError } from '@altiplano/protocol';
import { makeScene } from './make-scene.js';
import type { SceneManifest } from './manifest.js';
import { type SceneOptions, terrainKinds } from './options.js';

const number = (text: string): number => {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) throw new InvalidArgumentError('not a number');
  return value;
};
const numbers = (text: string): number[] => text.split(',').map(number);

const program = new Command('scene')
  .description('Makes a synthetic satellite scene with exact truth: GeoTIFF images (uint16, 12 bits) with RPCs, and the DSM they show.')
  .argument('<directory>', 'where the files go')
  .option('--size <pixels>', 'columns and rows of each image (default: 2048)', number)
  .option('--views <count>', 'number of images (default: 2); 3 look straight down, forward and backward', number)
  .addOption(new Option('--terrain <kind>', 'what is on the ground (default: city)').choices(terrainKinds))
  .option('--relief <metres>', 'between lowest and highest ground (default: flat 10, city 15, hills 120, mountains 1000; less in small scenes)', number)
  .option('--base-to-height <ratio>', 'parallax per height between image 0 and each other image (default: 0.5)', number)
  .addOption(new Option('--split <how>', 'where two views look from: symmetric about the vertical (default), or image 0 straight down').choices(['symmetric', 'nadir']))
  .option('--gsd <metres>', 'ground sample distance straight down (default: 0.5)', number)
  .option('--resolution <metres>', 'cell size of the truth (default: that of --gsd)', number)
  .option('--pointing-error <px,...>', 'RPC errors of images 1, 2, ... across the epipolar lines; the last one repeats (default: 0)', numbers)
  .option('--pointing-along <px,...>', 'the same along the lines, which no stereo system can observe: it shifts the DSM (default: 0)', numbers)
  .option('--noise <dn>', 'standard deviation of the noise at the mean signal of about 750 DN (default: 5)', number)
  .option('--seed <n>', 'another seed makes another place, the same seed the same bytes (default: 1)', number)
  .option('--lon <degrees>', 'longitude of the centre (default: -68.2)', number)
  .option('--lat <degrees>', 'latitude of the centre (default: -16.6)', number)
  .option('--altitude <metres>', 'height of the centre above the ellipsoid (default: 3900)', number)
  .option('--samples <n>', 'rays per pixel along each axis (default: 3)', number)
  .option('--threads <n>', 'worker threads (default: all cores); does not change the result', number)
  .addHelpText('after', `
Writes img_0.tif, img_1.tif, ...; truth_dsm.tif (height of the top surface at each cell's centre), truth_visible.tif (bit k:
image k sees it), truth_seen.tif (truth_dsm.tif, only where image 0 and another image see it: compare with this one), scene.json.

Examples:
  npm run scene -- /tmp/town
  npm run scene -- /tmp/peaks --terrain mountains --relief 1000 --pointing-error 8
  npm run scene -- /tmp/three --views 3 --size 1024 --pointing-error 3,-5

Exit codes: 0 made, 1 failed (also if an RPC doesn't fit its camera to 0.01 px), 2 bad usage.`)
  .exitOverride();

/** The command line: returns the exit code. */
async function run(argv: readonly string[]): Promise<number> {
  try {
    program.parse(argv);
  } catch (error) {
    return error instanceof Error && 'exitCode' in error && error.exitCode === 0 ? 0 : 2;
  }
  const begun = performance.now();
  const seconds = (): string => ((performance.now() - begun) / 1000).toFixed(1);
  const [directory] = program.args;
  if (directory === undefined) return 2;
  try {
    const options = { ...program.opts<Omit<SceneOptions, 'directory'>>(), directory };
    const manifest = await makeScene(options, (text) => process.stderr.write(`scene: ${seconds()} s ${text}\n`));
    process.stdout.write(`${listing(directory, manifest)}\nmade in ${seconds()} s\n`);
    return 0;
  } catch (error) {
    if (error instanceof InputError) {
      process.stderr.write(`${error.message}\n`);
      return 2;
    }
    process.stderr.write(`scene: ${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  }
}

function listing(directory: string, { settings, crs, grid, heights, solids, views, pairs, truth }: SceneManifest): string {
  const lines = [
    `${directory}: ${settings.terrain}, seed ${settings.seed}, ${crs}, ground ${heights.groundLow} to ${heights.groundHigh} m, ` +
      `slopes up to ${heights.maxSlopeDeg.toFixed(0)} degrees, ${solids} solids`,
    ...views.map((v) =>
      `  ${v.file}  ${v.width} x ${v.height}, ${v.gsdM.toFixed(3)} m, incidence ${v.incidenceDeg.toFixed(1)} degrees from ${v.azimuthDeg.toFixed(0)}; ` +
      `RPC off by rms ${v.rpcFit.rmsPx.toExponential(1)}, max ${v.rpcFit.maxPx.toExponential(1)} px at ${v.rpcFit.checkPoints} points`),
    ...pairs.map((p) =>
      `  pair 0, ${p.sec}: base-to-height ${p.baseToHeight.toFixed(3)}, ${p.pxPerMetre.toFixed(3)} px per metre along ` +
      `(col ${p.epipolarDirection.col.toFixed(3)}, row ${p.epipolarDirection.row.toFixed(3)}), ` +
      `pointing error across ${p.pointing.acrossPx}, along ${p.pointing.alongPx} px`),
    `  ${truth.dsm}  ${grid.width} x ${grid.height} cells of ${grid.resolution} m, ${truth.coveredCells} covered by an image`,
    `  ${truth.seen}  ${truth.seenCells} cells seen by image 0 and another`,
    `  ${truth.visible}  bit k: seen by image k`,
    '  scene.json  everything above and the cameras',
  ];
  return lines.join('\n');
}

process.exitCode = await run(process.argv);
