// SPDX-License-Identifier: Apache-2.0
import { PassThrough } from 'node:stream';
import test from 'ava';
import { type SceneState, advanceScene, initialState, openTasks } from './advance-scene.js';
import { duration } from './duration.js';
import { planScene } from './plan-scene.js';
import { openProgress, phaseProgress } from './progress.js';
import { flatPair, flatPorts, flatRequest } from './testing/flat-world.js';
import { outcomeOf } from './testing/outcome.js';
import { tilesOf } from './tile-index.js';

// Too small for coarse levels, many small tiles.
const plan = planScene(flatRequest({ tileCells: 64 }), flatPair({ width: 380, height: 380 }), flatPorts);

/** The state in which `count` tile tasks have ended. */
function inTiles(count: number): SceneState {
  let { state } = advanceScene(initialState(plan), { type: 'started' });
  for (let phase = 0; phase < 2; phase += 1) ({ state } = advanceScene(state, { type: 'tasksEnded', outcomes: [...openTasks(state)].map((task) => outcomeOf(task)) }));
  ({ state } = advanceScene(state, { type: 'pointingSolved', corrections: new Map() }));
  const some = [...openTasks(state)].slice(0, count);
  return advanceScene(state, { type: 'tasksEnded', outcomes: some.map((task, i) => outcomeOf(task, i === 0 ? 'dead' : 'done')) }).state;
}

function output(isTty: boolean, show: (view: ReturnType<typeof openProgress>, tick: (ms: number) => void) => void): string {
  const stream = Object.assign(new PassThrough(), { isTTY: isTty });
  let clock = 0;
  const view = openProgress({ stream, isTty, now: () => clock });
  show(view, (ms) => { clock += ms; });
  view.close();
  return String(stream.read() ?? '');
}

test('a pipe gets plain lines: the start of a phase, then no more than one in ten seconds, and its end', (t) => {
  const total = inTiles(0).tasks.count;
  const text = output(false, (view, tick) => {
    for (const count of [0, 1, 2]) {
      tick(1000);
      view.show(phaseProgress(inTiles(count)));
    }
    tick(10_000);
    view.show(phaseProgress(inTiles(2)));
    view.show(phaseProgress(inTiles(total)));
    view.show(phaseProgress(inTiles(total)));
  });
  const [start, later, end, ...rest] = text.trimEnd().split('\n');
  t.is(start, `stereo: 0/${total} tiles`);
  t.regex(later ?? '', new RegExp(`^stereo: 2/${total} tiles \\(1 dead\\), \\d+\\.\\d\\d Mpx/s, \\d+:\\d\\d left$`));
  t.regex(end ?? '', new RegExp(`^stereo: ${total}/${total} tiles \\(1 dead\\), \\d+\\.\\d\\d Mpx/s$`));
  t.deepEqual(rest, []);
});

test('on a terminal the bar of a phase is full once the next begins, and as it was where none does', (t) => {
  const align = { label: 'align', ended: 5, total: 9, empty: 0, dead: 0, mpx: null };
  const bars = (show: Parameters<typeof output>[1]): string[] => [...output(true, show).matchAll(/(?:align|stereo) +\S+ (\d+\/\d+)/g)].map(([, counted = '']) => counted);
  const left = bars((view, tick) => {
    view.show(align);
    tick(1000);
    view.show(null);
    view.show({ ...align, label: 'stereo', ended: 0, total: 4 });
  });
  t.deepEqual(left.slice(0, 3), ['0/9', '9/9', '0/4']);
  t.is(bars((view) => { view.show(align); }).at(-1), '5/9');
});

test('progress counts the reference pixels of ended tiles', (t) => {
  const state = inTiles(1);
  const [tile] = plan.levels.flatMap((level) => [...tilesOf(level)]);
  const area = (tile?.core.width ?? 0) * (tile?.core.height ?? 0) * 0.25;
  t.true(Math.abs((phaseProgress(state)?.mpx ?? 0) - area / 0.25 / 1e6) < 1e-6);
  t.is(phaseProgress(initialState(plan)), null);
});

test('durations read as clocks', (t) => {
  t.deepEqual([0, 59.6, 61, 3600, 7322].map(duration), ['0:00', '1:00', '1:01', '1:00:00', '2:02:02']);
});
