// SPDX-License-Identifier: Apache-2.0

/** Long work tells how far it is, on standard error. */
export interface Progress {
  /** A line that stays. */
  say(text: string): void;
  /** Where the work is: `done` of `total` steps; `what` is under way. Replaces the last step on a terminal. */
  step(done: number, total: number, what: string): void;
  /** Removes the last step's line. */
  end(): void;
}

export interface ProgressPorts {
  readonly write: (text: string) => unknown;
  readonly isTerminal: boolean;
  readonly columns?: number;
  /** Milliseconds, any origin. */
  readonly now: () => number;
}

/** Without a terminal (a log file, CI) a step is a line, at most one every so many milliseconds. */
const quietMs = 10_000;

/** Progress with an estimate of what is left, from the steps done so far. */
export function makeProgress(title: string, { write, isTerminal, columns = 100, now }: ProgressPorts): Progress {
  const begun = now();
  let shown = false, lastLine = -Infinity;
  const end = (): void => {
    if (shown) write('\r\x1b[K');
    shown = false;
  };
  return {
    end,
    say(text) {
      end();
      write(`${title}: ${text}\n`);
    },
    step(done, total, what) {
      const passed = (now() - begun) / 1000;
      const left = done > 0 && done < total ? `, about ${duration((passed / done) * (total - done))} left` : '';
      const line = `${title}: ${done} of ${total}${left}: ${what}`;
      if (isTerminal) {
        write(`\r\x1b[K${line.slice(0, columns - 1)}`);
        shown = true;
      } else if (now() - lastLine >= quietMs) {
        write(`${line}\n`);
        lastLine = now();
      }
    },
  };
}

const duration = (seconds: number): string => (seconds < 90 ? `${Math.ceil(seconds)} s` : `${Math.ceil(seconds / 60)} min`);

/** Progress on this process's standard error. */
export const stderrProgress = (title: string): Progress => makeProgress(title, {
  write: (text) => process.stderr.write(text), isTerminal: process.stderr.isTTY, columns: process.stderr.columns, now: () => performance.now(),
});
