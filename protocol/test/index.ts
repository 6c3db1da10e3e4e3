// SPDX-License-Identifier: Apache-2.0
// For tests of other packages.
export { type FakeClock, makeFakeClock } from './fake-clock.js';
export { type Fault, type FaultyProxy, type ProxiedRequest, openFaultyProxy, seededFaults } from './faulty-proxy.js';
export { permissionsConfig, roleAuth, roleEnvironment } from './permissions.js';
export { type S3Server, newBucket, openS3Server, unfinishedUploads } from './s3-server.js';
