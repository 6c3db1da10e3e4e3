// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createTiled, writeGeoTiff, writePicture } from '@altiplano/kernels/raster';
import { blackPng, tinyTiff, withJp2Size } from './tiny-files.js';
import { type Section, camera, commandCase, side, texture, writeImage } from './world.js';

const jp2 = new URL('../../../../kernels/raster/fixtures/ramp.jp2', import.meta.url);

/** Images that can't be read, or that nothing can be matched in. Their files go into the folder, beside left.tif. */
export function imageCases(folder: string): Section {
  const at = (name: string): string => join(folder, name);
  const cut = (from: string, to: string, share: number): void => {
    const bytes = readFileSync(from);
    writeFileSync(at(to), bytes.subarray(0, Math.floor(bytes.length * share)));
  };
  writeFileSync(at('text.tif'), 'not a raster');
  writeFileSync(at('empty.tif'), '');
  mkdirSync(at('folder.tif'));
  execFileSync('mkfifo', [at('pipe.tif')]);
  cut(at('right.tif'), 'cut.tif', 0.6);
  const damaged = Uint8Array.from(readFileSync(at('right.tif')));
  damaged.fill(0x5a, 300, damaged.length - 3000);
  writeFileSync(at('damaged.tif'), damaged);
  const rgba = new Uint8Array(4 * side * side).map((_, i) => (i * 7919) % 251);
  for (const format of ['png', 'jpg'] as const) {
    writePicture(at(`whole.${format}`), side, side, rgba);
    cut(at(`whole.${format}`), `cut.${format}`, 0.5);
  }
  copyFileSync(jp2, at('whole.jp2'));
  cut(at('whole.jp2'), 'cut.jp2', 0.6);
  writeFileSync(at('no-pixels.tif'), tinyTiff({ width: 0, height: 0 }));
  writeFileSync(at('tile-bomb.tif'), tinyTiff({ width: 16_000, height: 16_000, tile: 16_000, bits: 32, sampleFormat: 3, compression: 8 }));
  writeFileSync(at('strip-bomb.tif'), tinyTiff({ width: 16_000, height: 16_000, bits: 32, sampleFormat: 3, compression: 5 }));
  createTiled(at('hollow.tif'), { width: 20_480, height: 20_480, bands: [{ type: 'uint8' }] }).close();
  writeFileSync(at('bomb.png'), blackPng(20_000, 20_000));
  writeFileSync(at('bomb.jp2'), withJp2Size(readFileSync(jp2), 60_000));
  writeFileSync(at('complex.tif'), tinyTiff({ width: 2, height: 2, bits: 64, sampleFormat: 6, data: new Uint8Array(32) }));
  writeFileSync(at('palette.tif'), tinyTiff({ width: 4, height: 4, hasPalette: true }));
  writeGeoTiff(at('double.tif'), { width: side, height: side, bands: [{ data: Float64Array.from(texture(-0.25)) }], rpc: camera(-0.25) });
  writeGeoTiff(at('bands.tif'), { width: side, height: side, bands: [{ data: texture(-0.25) }, { data: texture(-0.25) }], rpc: camera(-0.25) });
  writeGeoTiff(at('small-mask.tif'), { width: 20, height: 20, bands: [{ data: new Uint8Array(400).fill(1) }] });
  copyFileSync(at('left.tif'), at('copy.tif'));
  writeImage(folder, 'again.tif', { slopeE: 0.25, data: texture(0.25).map((value) => value + 1) });
  writeImage(folder, 'elsewhere.tif', { rpc: camera(-0.25, 80_000) });
  const vrt = (source: string): string => `<VRTDataset rasterXSize="4" rasterYSize="4"><VRTRasterBand dataType="Byte" band="1"><SimpleSource>`
    + `<SourceFilename relativeToVRT="1">${source}</SourceFilename><SourceBand>1</SourceBand></SimpleSource></VRTRasterBand></VRTDataset>`;
  writeFileSync(at('web.vrt'), vrt('/vsicurl/http://127.0.0.1:1/a.tif').replace('relativeToVRT="1"', 'relativeToVRT="0"'));
  writeFileSync(at('itself.vrt'), vrt('itself.vrt'));
  writeFileSync(at('web.xml'), '<GDAL_WMS><Service name="TMS"><ServerUrl>http://127.0.0.1:1/</ServerUrl></Service></GDAL_WMS>');
  const plan = (what: string, rest: string) => commandCase(folder, what, `plan left.tif ${rest}`);
  return {
    title: 'Images', text: 'Read by files, folders and objects in `s3://` buckets; whatever else GDAL takes for a raster is refused.', cases: [
      plan('not there', 'gone.tif'), plan('no raster', 'text.tif'), plan('no byte', 'empty.tif'), plan('a folder', 'folder.tif'), plan('a pipe', 'pipe.tif'),
      plan('GeoTIFF cut off', 'cut.tif'), plan('GeoTIFF with damaged blocks', 'damaged.tif'), plan('PNG cut off', 'cut.png --band 1'), plan('JPEG cut off', 'cut.jpg --band 1'),
      plan('JPEG 2000 cut off', 'cut.jp2'), plan('0 x 0 pixels', 'no-pixels.tif'),
      plan('TIFF of 162 bytes that claims one tile of 1 GB', 'tile-bomb.tif'), plan('TIFF of 150 bytes that claims one strip of 1 GB', 'strip-bomb.tif'),
      plan('TIFF with no tile written', 'hollow.tif'), plan('PNG that unpacks to 8,000 times its size', 'bomb.png'), plan('JPEG 2000 that claims 60,000 x 60,000', 'bomb.jp2'),
      plan('complex pixels', 'complex.tif'), plan('a palette', 'palette.tif'), plan('64-bit pixels', 'double.tif'),
      plan('two bands, none chosen', 'bands.tif'), plan('a band it has not', 'bands.tif --band 1,9'), plan('a mask of another size', 'right.tif --mask -,small-mask.tif'),
      plan('a mask that is not there', 'right.tif --mask -,gone.tif'),
      plan("GDAL's name of a web address", '/vsicurl/http://127.0.0.1:1/a.tif'), plan("GDAL's name of an archive", '/vsizip/a.zip'),
      plan('a VRT of a web address', 'web.vrt'), plan('a VRT of itself', 'itself.vrt'), plan("a web service's description", 'web.xml'),
      plan('the same image twice', 'left.tif'), plan('a copy of the same image', 'copy.tif'), plan('the same view again', 'again.tif'), plan('two places', 'elsewhere.tif'),
    ],
  };
}
