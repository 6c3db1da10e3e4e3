// SPDX-License-Identifier: Apache-2.0
export { type AlignImage, type AlignLevel, type AlignMatch, type AlignOptions, type AlignWindowInput, alignWindow } from './align-window.js';
export { dropOutliers, type OutlierLimits } from './drop-outliers.js';
export { type DsmFromDisparityInput, dsmFromDisparity } from './dsm-from-disparity.js';
export { KernelArgumentError, TileGeometryError } from './errors.js';
export { filterDisparity, type FilterOptions, matchMemoryBytes, type MatchOptions, matchPair } from './match.js';
export { type CornerOptions, type MatchPointsInput, detectCorners, matchPoints } from './match-points.js';
export { fillBounds, type HeightBounds, localBounds, type LocalBoundsOptions, reduceBounds, spanOf, widenBounds, type WidenOptions } from './height-bounds.js';
export { type HeightSummary, openHeightSummary } from './height-summary.js';
export { blendTiles, type BlendOptions, type BlendTile, fusePairs, type MergedBlock, mergedSteps, newMergedBlock, type PartialCells } from './merge-block.js';
export { sourcesHash } from './native.js';
export { evaluatePoly2, evaluatePoly3, fitPoly2, fitPoly3 } from './polynomial.js';
export { cellsWithPoints, rasterizeDsm, type RasterizeOptions } from './rasterize.js';
export { rectify } from './rectify.js';
export { release } from './release.js';
export { extentArea } from './row-extents.js';
export { rpcLocalize, rpcProject, scaleAffine, scaleRpc } from './rpc.js';
export { simdTarget } from './simd-target.js';
export { searchRange, type HeightPrior, type SearchRangeInput } from './search-range.js';
export { threadCpuSeconds } from './thread-cpu.js';
export { tileGeometry, type TileGeometry, type TileGeometryInput } from './tile-geometry.js';
export { tileMemoryBytes, type TileShape } from './tile-memory.js';
export { triangulate } from './triangulate.js';
export {
  type Affine, type DisparityMap, type GridSpec, type ImageWindow, type PartialDsm, type PixelArray, type PixelRect, type PointMap,
  type Poly2, type Poly3, type RectImage, type RectSpec, type RowExtents, type RpcModel, type SearchRange, validity,
} from './types.js';
