// SPDX-License-Identifier: Apache-2.0
import type { DisparityMap, ImageWindow, RectImage, RpcModel, SearchRange, TileGeometry } from '@altiplano/kernels';

/** Shown what a stereo task makes on its way, before its memory is given back. Calls in the order of the methods. */
export interface StereoWatcher {
  /** Windows of both images, each with the camera of its level, which counts from the whole image's first pixel. */
  windows(ref: ImageWindow, refRpc: RpcModel, sec: ImageWindow, secRpc: RpcModel): void;
  rectified(ref: RectImage, sec: RectImage, range: SearchRange): void;
  /** Before and after filtering. */
  matched(map: DisparityMap): void;
  filtered(map: DisparityMap, geometry: TileGeometry): void;
}
