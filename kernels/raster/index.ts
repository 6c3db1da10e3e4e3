// SPDX-License-Identifier: Apache-2.0
export { ingestImage, makeCog, type CogOptions, type IngestOptions } from './cog.js';
export { crsInfo, sampleRaster, transformPoints, type CrsInfo } from './crs.js';
export { checkInversion, describeImage, type DescribeOptions, type ImageInfo, type RpcInfo, type RpcInversion } from './describe-image.js';
export { RasterError, RpcError } from './errors.js';
export { formatImageInfo } from './format-image-info.js';
export { closeAll, configureGdal, openInfo, type RasterBandInfo, type RasterInfo } from './info.js';
export { drawHillshade, drawImage, drawPictures, type PictureJob, type PictureOptions, writePicture } from './picture.js';
export { type ProductCogs, type ProductLayer, type ProductTally, writeProductCogs } from './product-cogs.js';
export { bandLayout, type BandLayout, dropCachedFile, mapBands, type MappedBands } from './map-bands.js';
export { readBand, readBands, readWindow, type WindowOptions } from './read.js';
export { readRpc, type RpcReading, type RpcVariant } from './read-rpc.js';
export { formatRpcText } from './rpc-readers/rpc-text.js';
export {
  createTiled, writeGeoTiff, type GeoTiffOptions, type RasterArray, type RasterType, type TiledOptions, type TiledRaster,
} from './write.js';
