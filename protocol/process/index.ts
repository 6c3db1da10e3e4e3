// SPDX-License-Identifier: Apache-2.0
// What every long-running program of Altiplano does alike.
export { type EventLog, openJsonLog } from './json-log.js';
