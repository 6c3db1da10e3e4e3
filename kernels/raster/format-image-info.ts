// SPDX-License-Identifier: Apache-2.0
import type { ImageInfo, RpcInfo } from './describe-image.js';

const rpcVariantNames = {
  'geotiff-tag': 'GeoTIFF RPC tag', 'rpc-txt': '_RPC.TXT', rpb: '.RPB', 'dimap-v2': 'DIMAP version 2',
  'dimap-v3': 'DIMAP version 3', geom: 'OTB/OSSIM .geom', gdal: 'found by GDAL',
} as const;

/** The image as lines for a terminal, without colours, ended by a newline. */
export function formatImageInfo(info: ImageInfo): string {
  const { raster, rpc } = info;
  const layout = [raster.isTiled ? `tiles of ${raster.blockSize.width} x ${raster.blockSize.height}` : 'strips', raster.compression ?? 'uncompressed'];
  const overviews = raster.overviews.map(({ width, height }) => `${width} x ${height}`).join(', ');
  const rows: (readonly [string, string])[] = [
    ['image', raster.path],
    ['format', `${raster.driver}, ${layout.join(', ')}`],
    ['size', `${raster.width} x ${raster.height} pixels`],
    ['band', `${info.band} of ${raster.bands.length}, ${info.type}`],
    ['validity', info.validity.length === 0 ? 'no no-data value or mask: every pixel counts' : info.validity.join(', ')],
    ['overviews', overviews === '' ? 'none' : overviews],
    ...(raster.crs === null ? [] : [['CRS', raster.crs] as const]),
    ...(rpc === null ? [['RPC', info.rpcProblem ?? 'none'] as const] : rpcRows(rpc)),
  ];
  const indent = Math.max(...rows.map(([name]) => name.length)) + 2;
  return rows.map(([name, value]) => `${name.padEnd(indent)}${value}`).join('\n') + '\n';
}

function rpcRows(rpc: RpcInfo): (readonly [string, string])[] {
  const { points, failed, worstPx, ok } = rpc.inversion;
  const verdict = ok ? 'yes' : 'NO';
  const [lowest, highest] = rpc.altitudeDomain;
  return [
    ['RPC', `${rpcVariantNames[rpc.variant]}, from ${rpc.source}`],
    ...(rpc.note === null ? [] : [['', rpc.note] as const]),
    ['altitudes', `${lowest} to ${highest} m above the ellipsoid`],
    ['footprint', rpc.footprint.map(([lon, lat]) => `${lon.toFixed(6)} ${lat.toFixed(6)}`).join(', ')],
    ['', `(lon lat at ${(lowest + highest) / 2} m)`],
    ['pixel', `${rpc.gsdM.col.toFixed(3)} m along a row, ${rpc.gsdM.row.toFixed(3)} m along a column`],
    ['inverts', `${verdict}: ${points} points, worst ${worstPx.toExponential(1)} px${failed === 0 ? '' : `, ${failed} without ground`}`],
  ];
}
