// SPDX-License-Identifier: Apache-2.0
import { InputError, stereoParamsSchema } from '@altiplano/protocol';
import test from 'ava';
import { Command } from 'commander';
import { parseSettings, settingsHelp, settingsOption } from './stereo-settings.js';

const parsed = (...args: string[]): Record<string, number> =>
  parseSettings(new Command().addOption(settingsOption('parameter', 'none')).parse(args, { from: 'user' }).opts<{ set: string[] }>().set);

test('a parameter is set by its name, with or without its group, repeated or in a list, and the last counts', (t) => {
  t.deepEqual(parsed('--set', 'p2=60', '--set', 'matching.p1=12,leftRightPx=0.5'), { p2: 60, p1: 12, leftRightPx: 0.5 });
  t.deepEqual(parsed('--set', 'p2=60', '--set', 'matching.p2=61'), { p2: 61 });
  t.deepEqual(parsed(), {});
});

test('help gives every parameter with its default, as --set takes it, and a meaning', (t) => {
  const rows = [...settingsHelp().matchAll(/^ {2}(\S+) +(\S.*)$/gm)];
  t.deepEqual(parseSettings(rows.map(([, setting = '']) => setting)), stereoParamsSchema.parse({}));
});

test('an unknown group or name lists what there is, and a number is told from what is none', (t) => {
  const refused = (setting: string, message: RegExp): void => { t.throws(() => parseSettings([setting]), { instanceOf: InputError, message }, setting); };
  refused('params.p2=60', /^--set: no group 'params'; there is matching, with p1, p2, .*pointingSearchPx$/);
  refused('matching.p3=60', /^--set: no parameter 'p3'; there are p1, p2, /);
  refused('=3', /^--set: no parameter ''; there are p1/);
  refused('.p2=3', /^--set: no group ''; there is matching/);
  for (const setting of ['p2', 'p2=', 'p2= ', 'p2=high', 'matching.p2=1.2.3']) refused(setting, /^--set: expected p2=NUMBER but received '/);
});
