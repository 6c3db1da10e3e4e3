// SPDX-License-Identifier: Apache-2.0
import type { AgentConfig } from '../src/config.js';
import { runAgent } from '../src/run-agent.js';

// An agent with the test runners in a process of its own, to be killed; prints its events' names.
const config: AgentConfig = JSON.parse(process.argv[2] ?? '');
const never = new AbortController().signal;
await runAgent(config, {
  log: (event) => { process.stdout.write(`${event}\n`); },
  version: 'test', drain: never, stop: never,
  runnersUrl: new URL('./test-runners.js', import.meta.url).href,
});
