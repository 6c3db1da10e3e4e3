// SPDX-License-Identifier: Apache-2.0
import { cp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { mayMount, withMounts } from './mounts.js';
import { type BadInput, type CaseEnd, type Section, commandCase, endOf, noise, program, runProgram, side, writeImage } from './world.js';

/**
 * After `prepare`, which mounts a disk at $disk, runs a command, and makes room as soon as it says that it needs some. Then lists products at $out
 * that are not those of the undisturbed run, and files that are left half-written. The command's exit code is the last line but those.
 */
const script = (prepare: string): string => `disk=$1 out=$2; shift 2
mkdir "$disk"; mount -t tmpfs -o size=64m tmpfs "$disk"
${prepare}
{ "$@" 2>&1; echo "code $?"; } | while IFS= read -r line; do
  case $line in *"; make room there"*) rm -f "$disk/ballast"; mount -o remount,size=64m "$disk" ;; esac
  printf '%s\\n' "$line"
done
for file in undisturbed/*.tif; do cmp "$file" "$out/\${file##*/}" > /dev/null 2>&1 || echo "other: $file"; done
find "$out/" "$disk" -name '*.part' -o -name '.publish-*' 2> /dev/null | sed 's/^/left: /'`;

interface DiskCase { readonly what: string; readonly args: string; readonly out: string; readonly prepare: string }

/** Disks that are full while a scene is merged, published and stored, and those that can only be read. */
export function diskCases(folder: string): Section {
  const pixels = noise(3, side * 2 * side);
  const from = (col0: number): Uint16Array => Uint16Array.from({ length: side * side }, (_, i) => pixels[Math.floor(i / side) * 2 * side + col0 + (i % side)] ?? 0);
  // A plane 30 pixels of disparity above the ground.
  writeImage(folder, 'plane-left.tif', { slopeE: 0.25, data: from(30) });
  writeImage(folder, 'plane-right.tif', { slopeE: -0.25, data: from(0) });
  const images = 'plane-left.tif plane-right.tif';

  /** A run without trouble, and in `stored` the store it left, without the products: the next run of the scene only merges and publishes. */
  const undisturbed = once(async () => {
    const end = await commandCase(folder, '', `run ${images} --agents 1 --out undisturbed --keep-intermediates`).run();
    if (end?.end !== 'exit code 0') throw new Error(`the undisturbed run: ${end?.message}`);
    await cp(join(folder, 'undisturbed/.altiplano/store'), join(folder, 'stored'), { recursive: true });
    for (const scene of await readdir(join(folder, 'stored/scenes'))) await rm(join(folder, 'stored/scenes', scene, 'products'), { recursive: true });
  });

  const onDisk = (disk: string, { what, args, out, prepare }: DiskCase): BadInput => ({
    what, command: `altiplano run ${images} ${args}`,
    async run() {
      if (!await mayMount()) return null;
      await undisturbed();
      const [first = '', ...rest] = [...withMounts, 'sh', '-c', script(prepare), 'sh', disk, out, process.execPath, program, 'run', ...images.split(' '), '--agents', '1', ...args.split(' ')];
      return judged((await runProgram(first, rest, {}, folder)).stdout);
    },
  });

  const whole = `cp -a stored "$disk/store"`;
  return {
    title: 'Disks of a run',
    text: 'What is full gets room as soon as the program asks for it; then the scene completes by itself, to the bytes of an undisturbed run, and nothing half-written is left. '
      + 'A run gives up after a minute, a coordinator of a cluster never.',
    cases: [
      onDisk('disk-a', {
        what: 'no room for the rasters', args: '--out disk-a/scene', out: 'disk-a/scene',
        prepare: 'mkdir "$disk/scene" state-a; ln -s "$PWD/state-a" "$disk/scene/.altiplano"; mount -o remount,size=4k "$disk"',
      }),
      onDisk('disk-b', {
        what: 'no room for the pictures', args: '--out disk-b/scene', out: 'disk-b/scene',
        prepare: 'mkdir "$disk/scene" state-b; ln -s "$PWD/state-b" "$disk/scene/.altiplano"; mount -o remount,size=84k "$disk"',
      }),
      onDisk('disk-c', {
        what: 'no room for the merged raster', args: '--out merged', out: 'merged',
        prepare: 'mkdir -p merged/.altiplano; ln -s "$PWD/disk-c" merged/.altiplano/work; mount -o remount,size=40k "$disk"',
      }),
      onDisk('disk-d', {
        what: 'no room for the products in the store', args: '--out stored-out --store disk-d/store', out: 'stored-out',
        prepare: `${whole}; head -c 64m /dev/zero > "$disk/ballast" 2> /dev/null; truncate -s -20480 "$disk/ballast"`,
      }),
      onDisk('disk-e', { what: 'a store on a disk that can only be read', args: '--out read-only --store disk-e/store', out: 'read-only', prepare: `${whole}; mount -o remount,ro "$disk"` }),
      onDisk('disk-f', { what: 'a new store on such a disk', args: '--out read-only-new --store disk-f/store', out: 'read-only-new', prepare: 'mount -o remount,ro "$disk"' }),
      onDisk('disk-g', { what: 'an output folder on such a disk', args: '--out disk-g/scene', out: 'disk-g/scene', prepare: 'mount -o remount,ro "$disk"' }),
    ],
  };
}

function judged(said: string): CaseEnd {
  const code = Number(/^code (\d+)$/m.exec(said)?.[1] ?? -1);
  const left = said.match(/^left: .*$/gm) ?? [];
  if (left.length > 0) throw new Error(`half-written: ${left.join(', ')}\n${said}`);
  if (code !== 0) return endOf({ code, stdout: '', stderr: said });
  if (/^other: /m.test(said)) throw new Error(`not the bytes of the undisturbed run:\n${said}`);
  return { end: 'exit code 0, once there is room', message: /^note: .*; make room there.*$/m.exec(said)?.[0] ?? '' };
}

/** Calls once, for however many await it. */
function once(run: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | null = null;
  return () => (running ??= run());
}
