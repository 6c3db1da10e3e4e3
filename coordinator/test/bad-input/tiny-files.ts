// SPDX-License-Identifier: Apache-2.0
// Files of a few bytes that claim to be large or odd images. Sources: TIFF 6.0 (1992) section 2; PNG, ISO/IEC 15948, 5 and 11.
import { deflateSync } from 'node:zlib';

export interface TinyTiff {
  readonly width: number; readonly height: number;
  /** Side of the one tile; absent: one strip. */
  readonly tile?: number;
  readonly bits?: number;
  /** 1 unsigned, 2 signed, 3 IEEE, 5 and 6 complex. */
  readonly sampleFormat?: number;
  readonly compression?: number;
  readonly hasPalette?: boolean;
  readonly data?: Uint8Array;
}

/** A little-endian TIFF of one band with one strip or tile. */
export function tinyTiff({ width, height, tile, bits = 8, sampleFormat = 1, compression = 1, hasPalette = false, data = new Uint8Array(16) }: TinyTiff): Buffer {
  const [short, long] = [3, 4];
  const dataAt = 8;
  const paletteAt = dataAt + data.length;
  const directoryAt = paletteAt + (hasPalette ? 2 * 768 : 0);
  const entries: (readonly [tag: number, type: number, count: number, value: number])[] = [
    [256, long, 1, width], [257, long, 1, height], [258, short, 1, bits], [259, short, 1, compression], [262, short, 1, hasPalette ? 3 : 1],
    ...(tile === undefined ? [[273, long, 1, dataAt] as const] : []), [277, short, 1, 1],
    ...(tile === undefined ? [[278, long, 1, height] as const, [279, long, 1, data.length] as const] : []),
    ...(hasPalette ? [[320, short, 768, paletteAt] as const] : []),
    ...(tile === undefined ? [] : [[322, long, 1, tile] as const, [323, long, 1, tile] as const, [324, long, 1, dataAt] as const, [325, long, 1, data.length] as const]),
    [339, short, 1, sampleFormat],
  ];
  const directory = Buffer.alloc(2 + 12 * entries.length + 4);
  directory.writeUInt16LE(entries.length, 0);
  entries.forEach(([tag, type, count, value], i) => {
    const at = 2 + 12 * i;
    directory.writeUInt16LE(tag, at);
    directory.writeUInt16LE(type, at + 2);
    directory.writeUInt32LE(count, at + 4);
    directory.writeUInt32LE(value, at + 8);
  });
  const header = Buffer.from([0x49, 0x49, 42, 0, 0, 0, 0, 0]);
  header.writeUInt32LE(directoryAt, 4);
  const palette = hasPalette ? Buffer.alloc(2 * 768).map((_, i) => i % 251) : Buffer.alloc(0);
  return Buffer.concat([header, data, palette, directory]);
}

/** A PNG with one bit per pixel, all black. */
export function blackPng(width: number, height: number): Buffer {
  const chunk = (type: string, data: Buffer): Buffer => {
    const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
    const out = Buffer.alloc(8 + body.length);
    out.writeUInt32BE(data.length, 0);
    body.copy(out, 4);
    out.writeUInt32BE(crc32(body), 4 + body.length);
    return out;
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = 1;
  const pixels = deflateSync(Buffer.alloc((1 + Math.ceil(width / 8)) * height));
  return Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), chunk('IHDR', header), chunk('IDAT', pixels), chunk('IEND', Buffer.alloc(0))]);
}

function crc32(bytes: Uint8Array): number {
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let k = 0; k < 8; k++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}

/** A JPEG 2000 file whose headers claim another size than its pixels have. Source: ISO/IEC 15444-1, A.5.1 and I.5.3.1. */
export function withJp2Size(file: Uint8Array, side: number): Buffer {
  const bytes = Buffer.from(file);
  const size = bytes.indexOf(Buffer.from([0xff, 0x51]));
  for (const at of [size + 6, size + 10, size + 22, size + 26]) bytes.writeUInt32BE(side, at);
  const box = bytes.indexOf('ihdr');
  for (const at of [box + 4, box + 8]) bytes.writeUInt32BE(side, at);
  return bytes;
}
