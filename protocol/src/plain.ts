// SPDX-License-Identifier: Apache-2.0
// The names that need neither a schema nor a codec, for threads that parse nothing: building all schemas takes a fifth of a thread's start.
export { agentProcessMb } from './agent-memory.js';
export { AltiplanoError, InputError, MalformedMessageError, MemoryBudgetError, ServiceUnavailableError, messageOf } from './errors.js';
export { ledgerKey, priorKey } from './keys.js';
export { taskHash } from './task-hash.js';
export { taskKinds } from './task-kinds.js';
