// SPDX-License-Identifier: Apache-2.0
import type { TaskKind } from './task.js';

export const taskKinds: readonly TaskKind[] = ['ingest', 'align', 'coarse', 'stereo'];
