// SPDX-License-Identifier: Apache-2.0

/** One message of NATS's client protocol (docs.nats.io, "Client Protocol"), as it came. */
export interface Frame {
  /** PUB, HPUB, MSG, HMSG, or whatever else the line begins with. */
  readonly verb: string;
  /** '' for what has none. */
  readonly subject: string;
  /** All of it, line ends included. */
  readonly bytes: Buffer;
}

const lineEnd = '\r\n';
const withPayload = new Set(['PUB', 'HPUB', 'MSG', 'HMSG']);

/**
 * Cuts a stream of bytes into messages: give it what arrives, it returns what is complete. A message is a line, and behind PUB, HPUB, MSG
 * and HMSG a payload, whose size in bytes, headers included, is the line's last word.
 */
export function openFrameReader(): (chunk: Buffer) => Frame[] {
  let rest: Buffer = Buffer.alloc(0);
  return (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const frames: Frame[] = [];
    for (;;) {
      const end = rest.indexOf(lineEnd);
      if (end < 0) return frames;
      const words = rest.toString('latin1', 0, end).trim().split(/\s+/);
      const verb = (words[0] ?? '').toUpperCase();
      const hasPayload = withPayload.has(verb);
      const size = end + lineEnd.length + (hasPayload ? Number(words.at(-1)) + lineEnd.length : 0);
      if (rest.length < size) return frames;
      frames.push({ verb, subject: hasPayload ? words[1] ?? '' : '', bytes: rest.subarray(0, size) });
      rest = rest.subarray(size);
    }
  };
}
