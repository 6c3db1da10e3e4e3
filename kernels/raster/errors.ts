// SPDX-License-Identifier: Apache-2.0

/** What system, libpng, libjpeg and our own writers say of a disk that is full, worn or closed to us: somebody may mend it. */
const diskTrouble = /No space left on device|Disk quota exceeded|File too large|Read-only file system|Input\/output error|libpng: Write Error|out of disk space|disk full\?/;

/** A raster can't be read or written. The message begins with the file and ends with what GDAL says. One in a bucket, or on a full disk, may be readable later. */
export class RasterError extends Error {
  readonly code = 'raster';
  readonly retry: 'never' | 'later';
  readonly path: string;
  constructor(path: string, message: string, cause?: unknown) {
    super(message.startsWith(path) ? message : `${path}: ${message}`, cause === undefined ? undefined : { cause });
    this.name = 'RasterError';
    this.retry = /^(s3:\/\/|\/vsis3\/)/.test(path) || diskTrouble.test(message) ? 'later' : 'never';
    this.path = path;
  }
}

/** An image's RPC camera model is missing or unusable. The message names file, field and what to do. */
export class RpcError extends Error {
  readonly code = 'bad-rpc';
  readonly retry = 'never';
  readonly file: string;
  /** The field as the file spells it; null where no single field is to blame. */
  readonly field: string | null;
  constructor(file: string, field: string | null, problem: string, cause?: unknown) {
    // What a broken file holds may be part of what is said of it.
    const said = problem.length <= 400 ? problem : `${problem.slice(0, 400)}...`;
    super(field === null ? `${file}: ${said}` : `${file}: ${field} ${said}`, cause === undefined ? undefined : { cause });
    this.name = 'RpcError';
    this.file = file;
    this.field = field;
  }
}
