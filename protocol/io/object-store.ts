// SPDX-License-Identifier: Apache-2.0
export interface PutOptions {
  /** What a power failure takes can be made again, so the bytes needn't be on disk when the call resolves. */
  readonly isRepeatable?: boolean;
}

/** Where a scene's truth lives. Keys are relative, '/'-separated, without '..'. All methods throw AltiplanoError. */
export interface ObjectStore {
  /** 'file:///…' or 's3://bucket/prefix'. */
  readonly url: string;
  /** Throws ObjectMissingError. */
  get(key: string, signal?: AbortSignal): Promise<Uint8Array>;
  /** Bytes [offset, offset + length), cut at the object's end. Throws ObjectMissingError. */
  getRange(key: string, offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array>;
  has(key: string): Promise<boolean>;
  /** Bytes of an object. Throws ObjectMissingError. */
  size(key: string): Promise<number>;
  /** Atomic: readers see all or nothing. Resolves false, and changes nothing, where the key is taken. */
  putIfAbsent(key: string, bytes: Uint8Array, options?: PutOptions): Promise<boolean>;
  /** Atomic replace. */
  put(key: string, bytes: Uint8Array, options?: PutOptions): Promise<void>;
  /** Atomically publishes a local file under a key, replacing it; the file may be moved away. */
  putFile(key: string, path: string): Promise<void>;
  /** As putFile, but resolves false and drops the file where the key is taken. */
  putFileIfAbsent(key: string, path: string): Promise<boolean>;
  /** Keys under a prefix in byte order, paged underneath. */
  list(prefix: string): AsyncIterable<string>;
  delete(key: string): Promise<void>;
  /** A folder of this machine for files on their way into the store: from there putFile moves, and never copies. Leftovers are swept after a day. */
  readonly scratchFolder: string;
  /** The name GDAL opens: a path, or /vsis3/…. The object need not exist. */
  gdalPath(key: string): string;
  /** What GDAL must be told to open that name, as its configuration options. Credentials among them expire: ask before each piece of work. */
  gdalOptions(): Promise<Readonly<Record<string, string>>>;
  close(): Promise<void>;
}
