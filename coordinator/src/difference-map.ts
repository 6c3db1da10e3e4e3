// SPDX-License-Identifier: Apache-2.0

/** A picture of height differences: RGBA bytes, row-major. */
export interface DifferenceMap { readonly width: number; readonly height: number; readonly rgba: Uint8Array }

/** Stops of ColorBrewer's RdBu (Harrower and Brewer 2003), from lower (blue) over equal (white) to higher (red). */
const stops = [[33, 102, 172], [103, 169, 207], [209, 229, 240], [247, 247, 247], [253, 219, 199], [239, 138, 98], [178, 24, 43]] as const;
const notScored = [214, 214, 214] as const;
const missing = [96, 96, 96] as const;

/**
 * Draws differences (metres; NaN = none) clipped at +-clipM: blue where the DSM is lower, red where it is higher;
 * light grey where the reference isn't scored, dark grey where the DSM has no height. Reduced by
 * averaging to at most maxSize pixels a side.
 */
export function differenceMap(differences: Float64Array, scored: Uint8Array, width: number, height: number, clipM: number, maxSize: number): DifferenceMap {
  const factor = Math.max(1, Math.ceil(Math.max(width, height) / maxSize));
  const outWidth = Math.ceil(width / factor);
  const outHeight = Math.ceil(height / factor);
  const rgba = new Uint8Array(4 * outWidth * outHeight).fill(255);
  for (let y = 0; y < outHeight; y++) {
    for (let x = 0; x < outWidth; x++) {
      let sum = 0, common = 0, seen = 0;
      for (let row = y * factor; row < Math.min(height, (y + 1) * factor); row++) {
        for (let col = x * factor; col < Math.min(width, (x + 1) * factor); col++) {
          const cell = row * width + col;
          if (scored[cell] !== 1) continue;
          seen++;
          const d = differences[cell] ?? NaN;
          if (Number.isNaN(d)) continue;
          common++;
          sum += d;
        }
      }
      const colour = common > 0 ? colourOf(sum / common / clipM) : seen > 0 ? missing : notScored;
      rgba.set(colour, 4 * (y * outWidth + x));
    }
  }
  return { width: outWidth, height: outHeight, rgba };
}

function colourOf(share: number): readonly [number, number, number] {
  const at = ((Math.min(1, Math.max(-1, share)) + 1) / 2) * (stops.length - 1);
  const below = Math.min(stops.length - 2, Math.floor(at));
  const mix = (channel: 0 | 1 | 2): number => {
    const [from, to] = [stops[below]?.[channel] ?? 0, stops[below + 1]?.[channel] ?? 0];
    return Math.round(from + (at - below) * (to - from));
  };
  return [mix(0), mix(1), mix(2)];
}
