// SPDX-License-Identifier: Apache-2.0
import { rpcLocalize, rpcProject } from '@altiplano/kernels';
import { InputError } from '@altiplano/protocol';
import { openMerge } from './merge-dsm.js';
import { publishProducts } from './publish.js';
import { makePrior } from './range-tiles.js';
import type { SceneWork } from './scene-work.js';
import { solvePointing } from './solve-pointing.js';

/** The coordinator's own computing, for real, in the thread that calls it. */
export const sceneWork: SceneWork = {
  solvePointing(plan, pair, matches) {
    const [ref, sec] = [plan.images[pair.ref], plan.images[pair.sec]];
    if (!ref || !sec) throw new InputError(`plan of ${plan.sceneId}: no images of pair ${pair.id}`);
    const input = { pairId: pair.id, refRpc: ref.rpc, secRpc: sec.rpc, secSize: sec, matches, heightRange: plan.heightDomain };
    return solvePointing(input, { rpcProject, rpcLocalize });
  },
  openMerge,
  makePrior,
  publishProducts: (request) => publishProducts(request),
};
