// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';

const coefficients = z.array(z.number()).length(20);
const scale = z.number().refine((value) => value !== 0, 'a scale must not be 0');

/**
 * A rational polynomial camera in the one internal convention: columns and rows count from the
 * centre of the first pixel, (0, 0); longitude and latitude in degrees, altitude in metres above the
 * WGS84 ellipsoid; ground to image only; coefficients in RPC00B order
 * (1, L, P, H, LP, LH, PH, L2, P2, H2, PLH, L3, LP2, LH2, L2P, P3, PH2, L2H, P2H, H3, with L the
 * normalised longitude, P latitude, H altitude). Source: STDI-0002 vol. 1 app. E, RPC00B.
 */
export const rpcModelSchema = z.object({
  lonOff: z.number(), lonScale: scale,
  latOff: z.number(), latScale: scale,
  altOff: z.number(), altScale: scale,
  colOff: z.number(), colScale: scale,
  rowOff: z.number(), rowScale: scale,
  colNum: coefficients, colDen: coefficients,
  rowNum: coefficients, rowDen: coefficients,
});
export type RpcModel = Readonly<z.infer<typeof rpcModelSchema>>;
