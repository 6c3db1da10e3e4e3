// SPDX-License-Identifier: Apache-2.0
export { type Clock, systemClock } from './clock.js';
export { openFileStore } from './file-store.js';
export { countAttempts, deadOutcomes, endedRounds, findOutcome, readAttempts, readOutcome, writeAttempt, writeOutcome } from './ledger.js';
export { mapConcurrently } from './map-concurrently.js';
export { openMemoryQueue } from './memory-queue.js';
export { openMemoryStore } from './memory-store.js';
export type { NatsAccess } from './nats-connect.js';
export type { NatsAuth, NatsTls, Secret } from './nats-credentials.js';
export { type NatsQueueOptions, openNatsQueue } from './nats-queue.js';
export { type NatsServer, type NatsServerOptions, findNatsServer, startNatsServer } from './nats-server.js';
export type { ObjectStore, PutOptions } from './object-store.js';
export { gdalOptionsFor, openExistingStore, openStore, openWritableStore } from './open-store.js';
export type { PublishOptions, TaskDelivery, TaskQueue } from './task-queue.js';
export { type TimeLimit, timeLimit } from './time-limit.js';
