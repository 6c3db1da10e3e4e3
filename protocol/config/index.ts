// SPDX-License-Identifier: Apache-2.0
export { type BusFlags, type Environment, addBusOptions, busAccess, secretsHelp } from './bus-options.js';
export { addConfigOption } from './config-file.js';
export { type LogLevel, logLevels } from './log-level.js';
export { type StoreFlags, addStoreOption } from './store-option.js';
export { ackWaitOption, seconds } from './wait-options.js';
