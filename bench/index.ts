// SPDX-License-Identifier: Apache-2.0
export { RpcFitError, makeScene } from './scenes/make-scene.js';
export type { SceneManifest, ScenePair, SceneView } from './scenes/manifest.js';
export type { SceneOptions } from './scenes/options.js';
