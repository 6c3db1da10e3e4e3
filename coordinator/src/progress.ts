// SPDX-License-Identifier: Apache-2.0
import { createRequire } from 'node:module';
import type { SingleBar } from 'cli-progress';
import { type SceneState, endedTasks, levelOf } from './advance-scene.js';
import { duration } from './duration.js';

/** How far the phase a scene is in has come. */
export interface PhaseProgress {
  readonly label: string;
  readonly ended: number;
  readonly total: number;
  readonly empty: number;
  readonly dead: number;
  /** Reference megapixels of the tile tasks ended; null for other phases. */
  readonly mpx: number | null;
}

export interface ProgressView {
  /** Null: a phase without anything to count. */
  readonly show: (progress: PhaseProgress | null) => void;
  /** A line of its own, above the bar. */
  note(line: string): void;
  close(): void;
}

export interface ProgressOptions {
  readonly stream: NodeJS.WritableStream;
  readonly isTty: boolean;
  readonly now: () => number;
  /** Plain lines come at most this often within a phase. */
  readonly lineEveryMs?: number;
}

/** Null for phases without anything to count. */
export function phaseProgress(state: SceneState): PhaseProgress | null {
  const { phase, tasks, endCounts: { empty, dead } } = state;
  if (phase !== 'ingest' && phase !== 'align' && phase !== 'tiles') return null;
  const factor = phase === 'tiles' ? levelOf(state).factor : null;
  return {
    label: factor === null ? phase : factor === 1 ? 'stereo' : `coarse 1/${factor}`,
    ended: endedTasks(state), total: tasks.count, empty, dead, mpx: factor === null ? null : endedMpx(state),
  };
}

/** A bar on a terminal, plain lines elsewhere. Rates are of the phase it is in. */
export function openProgress(options: ProgressOptions): ProgressView {
  let label = '';
  let since = options.now();
  const rates = (progress: PhaseProgress): { rate: string; left: string } => {
    const seconds = (options.now() - since) / 1000;
    return {
      rate: progress.mpx === null || progress.ended === 0 ? '' : `${(progress.mpx / seconds).toFixed(2)} Mpx/s`,
      left: progress.ended === 0 ? '-' : duration((seconds * (progress.total - progress.ended)) / progress.ended),
    };
  };
  const enters = (progress: PhaseProgress): boolean => {
    if (progress.label === label) return false;
    label = progress.label;
    since = options.now();
    return true;
  };
  const view = options.isTty ? barView(options, enters, rates) : lineView(options, enters, rates);
  return { ...view, show: atIntervals(view.show, options.now) };
}

/** Leaves out what comes within 0.2 s in one phase, but for its end. */
function atIntervals(show: ProgressView['show'], now: () => number): ProgressView['show'] {
  let [phase, last] = ['', -Infinity];
  return (progress) => {
    const here = progress?.label ?? '';
    if (here === phase && now() - last < 200 && (progress === null || progress.ended < progress.total)) return;
    [phase, last] = [here, now()];
    show(progress);
  };
}

type Enters = (progress: PhaseProgress) => boolean;
type Rates = (progress: PhaseProgress) => { rate: string; left: string };

function barView({ stream }: ProgressOptions, enters: Enters, rates: Rates): ProgressView {
  // Loaded where there is a terminal to draw on.
  const cliProgress: typeof import('cli-progress') = createRequire(import.meta.url)('cli-progress');
  let bar: SingleBar | null = null;
  let last: PhaseProgress | null = null;
  const stop = (): void => {
    bar?.stop();
    bar = null;
  };
  // A phase is left at once when its last task ends, and only then: nobody shows us that end.
  const finish = ({ total, ...of }: PhaseProgress): void => {
    bar?.update(total, payload({ ...of, total, ended: total }, rates));
    stop();
  };
  return {
    show(progress) {
      if (progress === null) return;
      if (last !== null && last.label !== progress.label) finish(last);
      last = progress;
      if (enters(progress)) {
        bar = new cliProgress.SingleBar({
          stream, format: '{label} {bar} {value}/{total} {what}  {rate}  {left} left{lost}', hideCursor: true, barsize: 30, fps: 5, gracefulExit: true,
        }, cliProgress.Presets.shades_classic);
        bar.start(progress.total, 0, payload(progress, rates));
      }
      bar?.update(progress.ended, payload(progress, rates));
      if (progress.ended === progress.total) stop();
    },
    note(line) {
      // Clears the bar's line; the bar draws itself again below.
      stream.write(`\r\u001b[K${line}\n`);
    },
    close: stop,
  };
}

function payload(progress: PhaseProgress, rates: Rates): Record<string, string> {
  return {
    label: progress.label.padEnd(12), what: progress.mpx === null ? 'tasks' : 'tiles', ...rates(progress),
    lost: progress.dead > 0 ? `  (${progress.dead} dead)` : '',
  };
}

function lineView({ stream, now, lineEveryMs = 10_000 }: ProgressOptions, enters: Enters, rates: Rates): ProgressView {
  let [written, shown] = [-Infinity, -1];
  return {
    show(progress) {
      if (progress === null) return;
      if (enters(progress)) [written, shown] = [-Infinity, -1];
      const isEnd = progress.ended === progress.total;
      // Merging shows as states of a phase whose tasks have all ended.
      if (progress.ended === shown || (!isEnd && now() - written < lineEveryMs)) return;
      [written, shown] = [now(), progress.ended];
      const { rate, left } = rates(progress);
      const { empty, dead } = progress;
      const ends = [empty > 0 ? `${empty} empty` : '', dead > 0 ? `${dead} dead` : ''].filter((text) => text !== '').join(', ');
      stream.write(`${[
        `${progress.label}: ${progress.ended}/${progress.total} ${progress.mpx === null ? 'tasks' : 'tiles'}${ends === '' ? '' : ` (${ends})`}`,
        rate, isEnd || progress.ended === 0 ? '' : `${left} left`,
      ].filter((text) => text !== '').join(', ')}\n`);
    },
    note(line) { stream.write(`${line}\n`); },
    close() { /* nothing is kept */ },
  };
}

/** Reference megapixels of the ground that the ended tasks' tiles own. */
function endedMpx(state: SceneState): number {
  const { resolution } = levelOf(state);
  return state.plan.pairs.reduce((sum, { ref }, i) =>
    sum + ((state.endedCells[i] ?? 0) * resolution ** 2) / (state.plan.images[ref]?.gsdM ?? Infinity) ** 2 / 1e6, 0);
}
