// SPDX-License-Identifier: Apache-2.0
import type { ChildProcess } from 'node:child_process';

/** The next message of one of these kinds from a child. Rejects where the child ends before. */
export function replyOf<R extends { readonly is: string }, K extends R['is']>(child: ChildProcess, ...kinds: readonly K[]): Promise<Extract<R, { is: K }>> {
  return new Promise((resolve, reject) => {
    const onMessage = (message: unknown): void => {
      if (!isReply<R, K>(message, kinds)) return;
      child.off('message', onMessage).off('exit', onExit);
      resolve(message);
    };
    const onExit = (code: number | null, signal: string | null): void => { reject(new Error(`a process of the bench ended early (${signal ?? String(code)})`)); };
    child.on('message', onMessage).on('exit', onExit);
  });
}

const isReply = <R extends { readonly is: string }, K extends R['is']>(message: unknown, kinds: readonly string[]): message is Extract<R, { is: K }> =>
  typeof message === 'object' && message !== null && 'is' in message && kinds.includes(String(message.is));
