// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { allowedCores, configsOf, nameOf } from './configs.js';

test('cores allowed are listed one by one', (t) => {
  t.deepEqual(allowedCores('Name:\tnode\nCpus_allowed:\tff\nCpus_allowed_list:\t0-2,8,10-11\n'), [0, 1, 2, 8, 10, 11]);
  t.deepEqual(allowedCores('Cpus_allowed_list:\t3\n'), [3]);
});

test('every number of agents has as many cores, and runs free where that makes a difference', (t) => {
  t.deepEqual(configsOf([256, 512], [1, 2], [4, 5], false), [
    { size: 256, agents: 1, cores: [4] }, { size: 512, agents: 1, cores: [4] }, { size: 512, agents: 2, cores: [4, 5] },
    { size: 512, agents: 1, cores: null },
  ]);
  t.is(configsOf([256, 512], [1, 2], [4, 5], true).length, 3);
});

test('names tell size, agents and cores', (t) => {
  t.is(nameOf({ size: 64, agents: 1, cores: [0] }), '64 px, 1 agent on 1 core');
  t.is(nameOf({ size: 64, agents: 2, cores: null }), '64 px, 2 agents, free');
});
