// SPDX-License-Identifier: Apache-2.0
/**
 * How much of anything is read. What we write stays far below; what lies above is broken or hostile, and is refused before it costs
 * memory or lands in a log, a file name or a subject.
 */

/** A task or event, bytes; real tasks have 4 to 6 KB. Dead letters hold one and may have twice as many. */
export const maxMessageBytes = 2 ** 18;
/** What the store keeps as JSON, bytes. A plan, the largest, grows with a scene's rows. */
export const maxStoredBytes = 2 ** 26;
/** An error's text, characters; writers cut theirs. */
export const maxTextLength = 4096;

/** A text as it may be kept and shown: longer ones are cut, and say so. */
export const cutText = (text: string): string => (text.length <= maxTextLength ? text : `${text.slice(0, maxTextLength - 6)} [...]`);
