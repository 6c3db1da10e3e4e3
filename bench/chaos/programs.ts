// SPDX-License-Identifier: Apache-2.0
import { fileURLToPath } from 'node:url';

const altiplano = [process.execPath, fileURLToPath(new URL('../../../coordinator/bin/altiplano.js', import.meta.url))];

/** Where a cluster is. */
export interface Place { readonly nats: string; readonly store: string }

const at = ({ nats, store }: Place): string[] => ['--nats', nats, '--store', store];

export const agentCommand = (id: string, place: Place): string[] => [...altiplano, 'agent', ...at(place), '--id', id];
export const coordinatorCommand = (id: string, place: Place): string[] => [...altiplano, 'coordinator', ...at(place), '--id', id];
/** Ends with the scene, by the exit code of its end. */
export const submitCommand = (images: readonly string[], flags: readonly string[], place: Place): string[] =>
  [...altiplano, 'submit', ...images, ...flags, ...at(place), '--wait'];
export const replayDeadCommand = (sceneId: string, place: Place): string[] => [...altiplano, 'replay', '--scene', sceneId, '--dead', ...at(place), '--wait'];
export const cleanCommand = (sceneId: string, { store }: Place): string[] => [...altiplano, 'clean', '--scene', sceneId, '--store', store];

/** Waits are shortened, so that a run may have several faults and be over in seconds. Each is an option that operators have, too. */
export const hurried: Readonly<Record<string, string>> = {
  ALTIPLANO_ACK_WAIT: '2', ALTIPLANO_LEASE: '2', ALTIPLANO_RECONCILE: '1',
};
