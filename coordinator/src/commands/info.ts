// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander';

/** Adds `altiplano info IMAGE` to the program. */
export function registerInfo(program: Command): void {
  program.command('info')
    .argument('<image>', 'anything GDAL opens, as a file or s3://bucket/key')
    .option('--rpc <file>', 'file with the RPC (default: look beside and inside the image)')
    .option('--json', 'print one line of JSON')
    .addHelpText('after', `
Examples:
  altiplano info left.tif
  altiplano info IMG_R1C1.JP2 --rpc RPC_PNEO.XML --json

Exit codes: 0 readable, with an RPC or without, 1 failed, 2 bad usage or input.`)
    .action(async (image: string, { rpc, json }: { rpc?: string; json?: true }) => {
      const { describeImage, formatImageInfo } = await import('@altiplano/kernels/raster');
      const { letGdalRead } = await import('../input-files.js');
      await letGdalRead(image);
      const info = describeImage(image, rpc === undefined ? {} : { rpcPath: rpc });
      process.stdout.write(json ? `${JSON.stringify(info)}\n` : `${formatImageInfo(info).trimEnd()}\n`);
    });
}
