// SPDX-License-Identifier: Apache-2.0
// The runners of a task that runs in a process of its own, as one that was delivered twice does; '?task-ms=20' says how long they take.
import { stubRunners } from './stub-work.js';

export const runners = stubRunners(Number(new URL(import.meta.url).searchParams.get('task-ms')));
