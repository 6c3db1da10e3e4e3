// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { Gauge } from 'prom-client';
import { openMetricsServer } from '../process/metrics-server.js';
import { InputError } from '../src/index.js';

test('metrics are served as Prometheus reads them, and nothing else is', async (t) => {
  const server = await openMetricsServer(0);
  t.teardown(server.close);
  new Gauge({ name: 'altiplano_test', help: 'for this test', registers: [server.register] }).set(7);
  const answer = await fetch(`http://127.0.0.1:${server.port}/metrics`);
  t.regex(answer.headers.get('content-type') ?? '', /text\/plain/);
  t.regex(await answer.text(), /^altiplano_test 7$/m);
  t.is((await fetch(`http://127.0.0.1:${server.port}/`)).status, 404);
});

test('a port that is taken is told by its option, and free again when its server is closed', async (t) => {
  const first = await openMetricsServer(0);
  await t.throwsAsync(openMetricsServer(first.port), { instanceOf: InputError, message: new RegExp(`^--metrics-port ${first.port}: .*EADDRINUSE`) });
  first.close();
  const second = await openMetricsServer(first.port);
  t.is(second.port, first.port);
  second.close();
});
