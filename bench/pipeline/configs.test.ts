// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { allowedCores, configsOf, nameOf, placesOf } from './configs.js';

test('cores allowed are listed one by one', (t) => {
  t.deepEqual(allowedCores('Name:\tnode\nCpus_allowed:\tff\nCpus_allowed_list:\t0-2,8,10-11\n'), [0, 1, 2, 8, 10, 11]);
  t.deepEqual(allowedCores('Cpus_allowed_list:\t3\n'), [3]);
});

test('every number of agents has as many cores, stands beside as many separate runs, and runs free where that makes a difference', (t) => {
  const one = { agents: 1, cores: [4], separate: false }, two = { agents: 2, cores: [4, 5] };
  t.deepEqual(configsOf([256, 512], [1, 2], [4, 5], false), [
    { size: 256, ...one }, { size: 512, ...one }, { size: 512, ...two, separate: false }, { size: 512, ...two, separate: true },
    { size: 512, agents: 1, cores: null, separate: false },
  ]);
  t.is(configsOf([256, 512], [1, 2], [4, 5], true).length, 4);
});

test('there are no separate runs without a core for each, nor without one agent to compare them with', (t) => {
  const separate = (agents: readonly number[]) => configsOf([256, 512], agents, [0, 1, 2], true).filter((config) => config.separate).map((config) => config.agents);
  t.deepEqual(separate([1, 2, 3, 4]), [2, 3]);
  t.deepEqual(separate([2, 3]), []);
});

test('separate runs have a core and an agent each, any other run all of them', (t) => {
  const config = { size: 64, agents: 2, cores: [3, 5], separate: false };
  t.deepEqual(placesOf(config), [{ agents: 2, cores: [3, 5] }]);
  t.deepEqual(placesOf({ ...config, separate: true }), [{ agents: 1, cores: [3] }, { agents: 1, cores: [5] }]);
});

test('names tell size, agents and cores, and whether runs are separate', (t) => {
  t.is(nameOf({ size: 64, agents: 1, cores: [0], separate: false }), '64 px, 1 agent on 1 core');
  t.is(nameOf({ size: 64, agents: 2, cores: null, separate: false }), '64 px, 2 agents, free');
  t.is(nameOf({ size: 64, agents: 2, cores: [0, 1], separate: true }), '64 px, 2 separate runs');
});
