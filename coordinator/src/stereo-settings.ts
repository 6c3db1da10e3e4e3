// SPDX-License-Identifier: Apache-2.0
import { InputError, type StereoParams, stereoParamsSchema } from '@altiplano/protocol';
import { Option } from 'commander';

/** The group that all parameters are of, and that may stand before a name: `matching.p2`. */
const group = 'matching';
const names = Object.keys(stereoParamsSchema.shape);

/** The option `--set`, the same for all commands. `whose`: what holds where it isn't given. */
export function settingsOption(description: string, whose: string): Option {
  return new Option('--set <key=value>', `${description}: NAME=NUMBER or ${group}.NAME=NUMBER (comma list or repeated)`)
    .argParser((text: string, all: readonly string[]) => [...all, ...text.split(',')]).default([], whose);
}

/** What --help says of each parameter. */
const meanings: Readonly<Record<keyof StereoParams, string>> = {
  p1: 'penalty where disparities of neighbouring pixels differ by one; at most p2',
  p2: 'penalty where they differ by more: larger is smoother; at most 63',
  leftRightPx: 'largest difference between the disparities of the two images, in pixels',
  specklePx: 'patches of fewer pixels are dropped; 0 keeps all',
  medianSize: 'side of the median filter: 1 (none), 3, 5 or 7 pixels',
  maxDisparities: 'most disparities searched for a pixel, at least 16; memory and time grow with it',
  marginPx: 'pixels matched around what a tile needs',
  rasterSigma: 'sigma of the Gaussian that weights a point, in cells',
  rasterRadius: 'how many cells around its own a point reaches',
  rangeMargin: "share of a tile's height range, as reduced images show it, that is added above and below",
  pointingSearchPx: 'largest pointing error looked for, in pixels across the epipolar lines',
};

/** The part of `--help` about `--set`: every parameter with its default and what it means. */
export function settingsHelp(): string {
  const defaults: Readonly<Record<string, number>> = stereoParamsSchema.parse({});
  const rows = Object.entries(meanings).map(([name, meaning]) => `  ${`${name}=${defaults[name]}`.padEnd(20)}  ${meaning}`);
  return `\nStereo parameters (--set) with their defaults:\n${rows.join('\n')}`;
}

/** Parameters as `--set` gives them, the last of a name counts. Throws InputError that lists what there is for a name or group that is none. */
export function parseSettings(settings: readonly string[]): Record<string, number> {
  return Object.fromEntries(settings.map((setting) => {
    const [, before, name = '', text = ''] = /^(?:([^.=]*)\.)?([^=]*)=?(.*)$/s.exec(setting) ?? [];
    if (before !== undefined && before !== group) throw new InputError(`--set: no group '${before}'; there is ${group}, with ${names.join(', ')}`);
    if (!names.includes(name)) throw new InputError(`--set: no parameter '${name}'; there are ${names.join(', ')}`);
    const value = Number(text);
    if (text.trim() === '' || !Number.isFinite(value)) throw new InputError(`--set: expected ${name}=NUMBER but received '${setting}'`);
    return [name, value];
  }));
}
