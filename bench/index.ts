// SPDX-License-Identifier: Apache-2.0
export { RpcFitError, type SceneManifest, type ScenePair, type SceneView, makeScene } from './scenes/make-scene.js';
export type { SceneOptions } from './scenes/options.js';
