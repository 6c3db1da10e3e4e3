// SPDX-License-Identifier: Apache-2.0
export { ingestImage, makeCog, type CogOptions, type IngestOptions } from './cog.js';
export { crsInfo, sampleRaster, transformPoints, type CrsInfo } from './crs.js';
export { RasterError, RpcError } from './errors.js';
export { closeAll, openInfo, type RasterBandInfo, type RasterInfo } from './info.js';
export { readBands, readWindow, type WindowOptions } from './read.js';
export { readRpc, type RpcReading, type RpcVariant } from './read-rpc.js';
export { formatRpcText } from './rpc-readers/rpc-text.js';
export {
  createTiled, writeGeoTiff, type GeoTiffOptions, type RasterArray, type RasterType, type TiledOptions, type TiledRaster,
} from './write.js';
