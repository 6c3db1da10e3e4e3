// SPDX-License-Identifier: Apache-2.0
/** What a thrown value says. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Whether doing the same again can help: 'never' (bad input), 'later' (a service is away), 'now'. */
export type Retry = 'never' | 'later' | 'now';

/** The base of every error a caller can act on. The message names the file or id, the field, and the fix. */
export class AltiplanoError extends Error {
  readonly code: string;
  readonly retry: Retry;
  constructor(code: string, message: string, options: { readonly retry?: Retry; readonly cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.retry = options.retry ?? 'never';
  }
}

/** The input (image, RPC, option) can't be used. */
export class InputError extends AltiplanoError {
  constructor(message: string, cause?: unknown) { super('bad-input', message, { cause }); }
}
/** A message can't be decoded or has a version this program doesn't know. */
export class MalformedMessageError extends AltiplanoError {
  constructor(message: string, cause?: unknown) { super('malformed-message', message, { cause }); }
}
/** An object that should be in the store isn't there. */
export class ObjectMissingError extends AltiplanoError {
  constructor(key: string) { super('object-missing', `no object at key ${key}`, { retry: 'later' }); }
}
/** The task would need more memory than the agent may use. */
export class MemoryBudgetError extends AltiplanoError {
  constructor(message: string) { super('memory-budget', message); }
}
/** A service (bus, store) doesn't answer. */
export class ServiceUnavailableError extends AltiplanoError {
  constructor(message: string, cause?: unknown) { super('service-unavailable', message, { retry: 'later', cause }); }
}
/** A service refuses us: credentials are missing, wrong or expired, or a right is. `later`: whoever runs the service can mend it. */
export class AccessDeniedError extends AltiplanoError {
  constructor(message: string, cause?: unknown) { super('access-denied', message, { retry: 'later', cause }); }
}
