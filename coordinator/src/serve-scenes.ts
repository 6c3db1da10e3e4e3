// SPDX-License-Identifier: Apache-2.0
import { setTimeout as delay } from 'node:timers/promises';
import { MalformedMessageError, type SceneOrder, type SceneStatus, activePrefix, parseActiveKey } from '@altiplano/protocol';
import { messageOf } from './message-of.js';
import { mayPass } from './outlast.js';
import { intentOf } from './scene-intent.js';
import { readOrders } from './scene-orders.js';
import { type SceneWorkPorts, giveUpScene, workOnScene } from './work-on-scene.js';

export interface ServeOptions {
  /** Scenes run at once. */
  readonly scenes: number;
  /** Between two looks at the orders; a nudge over the bus makes it look at once. */
  readonly lookMs?: number;
}

export interface ServePorts extends SceneWorkPorts {
  readonly onScene: (what: 'started' | 'interrupted' | 'ended' | 'deferred', sceneId: string, more: { readonly order: number; readonly phase?: SceneStatus['phase']; readonly reason?: string }) => void;
  readonly onProblem: (message: string) => void;
}

/** A scene with orders that are not carried out. */
interface ActiveScene {
  readonly sceneId: string;
  /** The highest marker seen. */
  marker: number;
  orders: readonly SceneOrder[];
  running: { readonly stop: AbortController; readonly ended: Promise<void> } | null;
  /** How often in a row it could not be worked on, and when to try again. */
  failures: number;
  notBefore: number;
}

const [firstPauseMs, longestPauseMs] = [1_000, 60_000];

/**
 * Works on the scenes with orders, those with the oldest first, until the signal aborts; then stops all of them and rejects with its reason.
 * All state is in the store: a scene that gets a new order while it runs is stopped, and begun again.
 */
export async function serveScenes(ports: ServePorts, { scenes: most, lookMs = 3_000 }: ServeOptions, signal: AbortSignal): Promise<never> {
  const active = new Map<string, ActiveScene>();
  let wake = (): void => undefined;
  let isNudged = false;
  const nudge = (): void => {
    isNudged = true;
    wake();
  };
  ports.queue.onNudge(nudge, signal);
  ports.queue.onReconnect(nudge, signal);
  signal.addEventListener('abort', nudge);

  /** Brings `active` up to the store's markers. */
  async function look(): Promise<void> {
    const markers = new Map<string, number>();
    for await (const key of ports.store.list(activePrefix)) {
      const marker = parseActiveKey(key);
      if (marker !== null) markers.set(marker.sceneId, Math.max(marker.order, markers.get(marker.sceneId) ?? 0));
    }
    for (const { sceneId, running } of active.values()) if (!markers.has(sceneId) && running === null) active.delete(sceneId);
    for (const [sceneId, marker] of markers) {
      const scene = active.get(sceneId) ?? { sceneId, marker: 0, orders: [], running: null, failures: 0, notBefore: 0 };
      if (scene.marker === marker) continue;
      const orders = await readOrders(ports.store, sceneId).catch(async (error: unknown) => {
        if (!(error instanceof MalformedMessageError)) throw error;
        // It won't be readable later, and must not keep other scenes waiting. A run by the orders before it ends first.
        if (scene.running === null) await end(sceneId, marker, messageOf(error));
        else scene.running.stop.abort(error);
        return null;
      });
      if (orders === null) continue;
      scene.orders = orders;
      Object.assign(scene, { marker, failures: 0, notBefore: 0 });
      active.set(sceneId, scene);
      scene.running?.stop.abort(new Error(`scene ${sceneId}: there is a new order`));
    }
  }

  /** Ends a scene that can't be worked on. */
  async function end(sceneId: string, order: number, reason: string): Promise<void> {
    await giveUpScene(ports, sceneId, order, reason);
    ports.onScene('ended', sceneId, { order, phase: 'failed', reason });
    active.delete(sceneId);
  }

  async function work(scene: ActiveScene, stop: AbortSignal): Promise<void> {
    const { sceneId, orders, marker } = scene;
    const order = Math.max(marker, intentOf(orders).order);
    ports.onScene('started', sceneId, { order });
    try {
      const { phase } = await workOnScene(ports, sceneId, orders, stop);
      ports.onScene('ended', sceneId, { order, phase });
      active.delete(sceneId);
    } catch (error) {
      if (stop.aborted) return ports.onScene('interrupted', sceneId, { order, reason: messageOf(stop.reason) });
      scene.failures += 1;
      scene.notBefore = performance.now() + Math.min(longestPauseMs, firstPauseMs * 2 ** scene.failures);
      if (mayPass(error)) {
        return ports.onScene('deferred', sceneId, { order, reason: messageOf(error) });
      }
      await end(sceneId, order, messageOf(error));
    }
  }

  function start(scene: ActiveScene): void {
    const stop = new AbortController();
    const ended = work(scene, AbortSignal.any([signal, stop.signal]))
      .catch((error: unknown) => { ports.onProblem(`scene ${scene.sceneId}: ${messageOf(error)}`); })
      .finally(() => {
        scene.running = null;
        nudge();
      });
    scene.running = { stop, ended };
  }

  try {
    while (!signal.aborted) {
      isNudged = false;
      await look().catch((error: unknown) => { ports.onProblem(`orders: ${messageOf(error)}; looking again`); });
      const isReady = ({ running, notBefore }: ActiveScene): boolean => running === null && notBefore <= performance.now();
      const since = ({ orders, marker }: ActiveScene): string => orders.find(({ number }) => number === marker)?.at ?? '';
      const waiting = [...active.values()].filter(isReady).toSorted((a, b) => (since(a) < since(b) ? -1 : 1));
      for (const scene of waiting) {
        const isQuick = intentOf(scene.orders).wants === 'cancel';
        const running = [...active.values()].filter((other) => other.running !== null).length;
        if (!signal.aborted && (isQuick || running < most)) start(scene);
      }
      if (!isNudged && !signal.aborted) {
        const woken = new AbortController();
        wake = () => { woken.abort(); };
        await delay(lookMs, undefined, { signal: woken.signal }).catch(() => undefined);
      }
    }
  } finally {
    signal.removeEventListener('abort', nudge);
    await Promise.all([...active.values()].flatMap(({ running }) => running?.ended ?? []));
  }
  throw signal.reason;
}
