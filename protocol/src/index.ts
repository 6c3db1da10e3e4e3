// SPDX-License-Identifier: Apache-2.0
export { type AgentInfo, agentInfoSchema } from './agent-info.js';
export { agentProcessMb } from './agent-memory.js';
export { type FailureClass, type TaskAttempt, failureClasses, taskAttemptSchema } from './attempt.js';
export { encodeMessage, parseAgentInfo, parseAlignMatches, parseDeadLetter, parseStored, parseTask, parseTaskEvent } from './codec.js';
export { type DeadLetter, deadLetterSchema } from './dead-letter.js';
export { AccessDeniedError, AltiplanoError, InputError, MalformedMessageError, MemoryBudgetError, ObjectMissingError, ServiceUnavailableError, type Retry, messageOf } from './errors.js';
export {
  type TaskRound, activeKey, activePrefix, alignKey, attemptKey, attemptsOfRound, attemptsPrefix, beatKey, catalogKey, catalogPrefix, coarseDsmKey, deadKey, deadPrefix, epochOfKey,
  imageKey, leaseKey, leasesPrefix, ledgerKey, ledgerPrefix, mergedKey, mergedPrefix, orderKey, orderOfKey, ordersPrefix, parseActiveKey, parseRoundKey, partialKey, planKey,
  pointingKey, priorKey, editionPrefix, isEditionKey, productKey, productsPrefix, sceneOfPlanKey, scenePrefix, scenesPrefix, statusKey, statusPrefix,
} from './keys.js';
export { cutText, maxMessageBytes } from './limits.js';
export { type CatalogEntry, type SceneOrder, catalogEntrySchema, sceneOrderSchema } from './order.js';
export { type TaskEvent, type TaskOutcome, taskEventSchema, taskOutcomeSchema } from './outcome.js';
export { type StereoParams, stereoParamsSchema } from './params.js';
export {
  type Affine, type GridSpec, type GroundBox, type HeightRange, affineSchema, gridSpecSchema, groundBoxSchema, heightRangeSchema, identityAffine,
} from './raster.js';
export { type RpcModel, rpcModelSchema } from './rpc-model.js';
export {
  type AlignWindow, type ImagePlan, type LevelPlan, type PairPlan, type ScenePlan, type SceneRequest, type TilePlan, type TileRun, scenePlanSchema, sceneRequestSchema,
} from './scene.js';
export { type Beat, type Lease, type SceneStatus, beatSchema, leaseSchema, sceneStatusSchema } from './status.js';
export {
  type BusRole, agentsBucket, deadFilter, deadStream, deadSubject, eventFilter, eventSubject, isTaskOf, nudgeSubject, inboxPrefixOf, parseTaskSubject, presenceSubject, taskConsumer, taskSubject, tasksOf, tasksOfScene,
  tasksStream,
} from './subjects.js';
export {
  type AlignMatches, type AlignTask, type IngestTask, type StereoTask, type Task, type TaskImage, type TaskKind, alignMatchesSchema, taskSchema,
} from './task.js';
export { taskHash, withOutKey } from './task-hash.js';
export { taskKinds } from './task-kinds.js';
