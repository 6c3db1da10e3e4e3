// SPDX-License-Identifier: Apache-2.0
import { InputError, stereoParamsSchema } from '@altiplano/protocol';
import { Option } from 'commander';

/** The group that all parameters are of, and that may stand before a name: `matching.p2`. */
const group = 'matching';
const names = Object.keys(stereoParamsSchema.shape);

/** The option `--set`, the same for all commands. `whose`: what holds where it isn't given. */
export function settingsOption(description: string, whose: string): Option {
  return new Option('--set <key=value>', `${description}: NAME=NUMBER or ${group}.NAME=NUMBER (comma list or repeated)`)
    .argParser((text: string, all: readonly string[]) => [...all, ...text.split(',')]).default([], whose);
}

/** Every parameter with its default, as --set would give it. */
export const defaultSettings = (): string => Object.entries(stereoParamsSchema.parse({})).map(([name, value]) => `${name}=${value}`).join(' ');

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
