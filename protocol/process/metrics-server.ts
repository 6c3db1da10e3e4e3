// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events';
import { createServer } from 'node:http';
import { Registry, collectDefaultMetrics } from 'prom-client';
import { InputError, messageOf } from '../src/errors.js';

export interface MetricsServer {
  /** Where a program's own metrics register. */
  readonly register: Registry;
  readonly port: number;
  readonly close: () => void;
}

/** Serves Prometheus metrics at /metrics, on every interface: a scraper comes from outside. Port 0: one the system chooses. Throws InputError where the port is taken, or not ours to take. */
export async function openMetricsServer(port: number): Promise<MetricsServer> {
  const register = new Registry();
  collectDefaultMetrics({ register });
  const server = createServer((request, response) => {
    if (request.url !== '/metrics') {
      response.writeHead(404).end();
      return;
    }
    register.metrics().then(
      (text) => response.writeHead(200, { 'content-type': register.contentType }).end(text),
      () => response.writeHead(500).end(),
    );
  });
  server.listen(port);
  await once(server, 'listening').catch((cause: unknown) => {
    throw new InputError(`--metrics-port ${port}: ${messageOf(cause)}; choose another`, cause);
  });
  const address = server.address();
  return {
    register, port: address !== null && typeof address === 'object' ? address.port : port,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
