// SPDX-License-Identifier: Apache-2.0
import { resolve } from 'node:path';
import { InputError, type ScenePlan } from '@altiplano/protocol';
import { describeInput } from './describe-inputs.js';
import { kernelPorts } from './plan-ports.js';
import { planScene } from './plan-scene.js';
import { readRoi } from './read-roi.js';
import { type SceneOptions, imageInputs, sceneRequest } from './scene-options.js';
import type { DescribedImage } from './view.js';

/** From files and options to a plan. Throws what can't work before anything starts: see planScene and describeInput. */
export async function makePlan(paths: readonly string[], options: SceneOptions): Promise<ScenePlan> {
  if (paths.length < 2) throw new InputError(`images: stereo needs at least 2, but got ${paths.length}`);
  const images: DescribedImage[] = [];
  for (const input of imageInputs(paths, options)) images.push(await describeInput(input));
  const roi = options.roi === undefined ? null : await readRoi(resolve(options.roi));
  return planScene(sceneRequest(images, options, roi, kernelPorts.software), images, kernelPorts);
}
