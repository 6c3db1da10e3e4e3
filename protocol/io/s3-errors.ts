// SPDX-License-Identifier: Apache-2.0
import { AccessDeniedError, AltiplanoError, InputError, ObjectMissingError, ServiceUnavailableError } from '../src/errors.js';

/** An answer that isn't what the store was given: cut short, or other bytes. Asking again helps. */
export class DamagedAnswerError extends Error {
  override readonly name = 'DamagedAnswerError';
}

interface S3Failure { readonly name: string; readonly code: string; readonly status: number | null; readonly message: string }

/** What a failed request says about itself: S3's error name, Node's error code, the HTTP status; null where there was no answer. */
function failureOf(error: unknown): S3Failure {
  if (!(error instanceof Error)) return { name: '', code: '', status: null, message: String(error) };
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  return { name: error.name, code, status: statusOf(error), message: error.message };
}

function statusOf(error: Error): number | null {
  const metadata: unknown = '$metadata' in error ? error.$metadata : undefined;
  if (isObject(metadata) && typeof metadata['httpStatusCode'] === 'number') return metadata['httpStatusCode'];
  // An answer that couldn't be parsed (a proxy's page, half an XML document).
  const response: unknown = '$response' in error ? error.$response : undefined;
  return isObject(response) && typeof response['statusCode'] === 'number' ? response['statusCode'] : null;
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null;

const transientNames = new Set([
  'SlowDown', 'InternalError', 'ServiceUnavailable', 'RequestTimeout', 'Throttling', 'ThrottlingException', 'RequestLimitExceeded', 'TooManyRequestsException',
  // Two writers at one key at the same moment: S3 asks both to come again.
  'ConditionalRequestConflict', 'OperationAborted',
  // The body was changed on its way.
  'BadDigest', 'XAmzContentSHA256Mismatch', 'IncompleteBody',
  'TimeoutError', 'DamagedAnswerError',
]);
const transientCodes = new Set([
  'ECONNRESET', 'ECONNREFUSED', 'ECONNABORTED', 'EPIPE', 'ETIMEDOUT', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'ERR_STREAM_PREMATURE_CLOSE', 'HPE_INVALID_CONSTANT',
]);

/** Whether the same request may succeed when it is made again. */
export function isTransient(error: unknown): boolean {
  const { name, code, status, message } = failureOf(error);
  if (transientNames.has(name) || transientCodes.has(code)) return true;
  if (status !== null) return status === 408 || status === 409 || status === 429 || (status >= 500 && status !== 501) || isGarbled(error, status);
  return /socket hang up|aborted|terminated/i.test(message) && name !== 'AbortError';
}

/** A success whose body isn't what S3 says on success. */
const isGarbled = (error: unknown, status: number): boolean => status < 300 && error instanceof Error;

/** The key is taken: the answer to If-None-Match where there is an object. */
export const isTaken = (error: unknown): boolean => {
  const { name, status } = failureOf(error);
  return name === 'PreconditionFailed' || status === 412;
};

export const isMissing = (error: unknown): boolean => ['NoSuchKey', 'NotFound'].includes(failureOf(error).name);
/** Two conditional writes met at one key. */
export const isConflict = (error: unknown): boolean => ['ConditionalRequestConflict', 'OperationAborted'].includes(failureOf(error).name);
export const isMissingUpload = (error: unknown): boolean => failureOf(error).name === 'NoSuchUpload';
export const isBeyondEnd = (error: unknown): boolean => failureOf(error).status === 416;

const credentialNames = new Set(['InvalidAccessKeyId', 'SignatureDoesNotMatch', 'InvalidToken', 'ExpiredToken', 'TokenRefreshRequired', 'CredentialsProviderError']);

/** What was asked of the store, for messages. */
export interface S3Operation { readonly verb: string; readonly bucket: string; readonly key: string; readonly endpoint: string; readonly right: string }

/** Turns whatever the client throws into one of our errors; aborts and our own errors pass. */
export function ourError(error: unknown, { verb, bucket, key, endpoint, right }: S3Operation): unknown {
  if (error instanceof AltiplanoError || (error instanceof Error && error.name === 'AbortError')) return error;
  const { name, code, status, message } = failureOf(error);
  const place = key === '' ? `bucket ${bucket}` : `s3://${bucket}/${key}`;
  const what = `store: can't ${verb} ${place} at ${endpoint}`;
  const said = [name === 'Error' ? code : name === 'Unknown' ? '' : name, status === null ? '' : `HTTP ${status}`, message === 'UnknownError' ? '' : message].filter((part) => part !== '').join(', ');
  if (name === 'NoSuchBucket') return new InputError(`${what}: there is no bucket ${bucket}; create it, or check the store's URL, AWS_ENDPOINT_URL and AWS_REGION`, error);
  if (verb === 'read' && isMissing(error)) return new ObjectMissingError(key);
  if (credentialNames.has(name)) {
    return new AccessDeniedError(`${what}: ${said}. Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (and AWS_SESSION_TOKEN for temporary keys), or AWS_PROFILE`, error);
  }
  if (status === 401 || status === 403) {
    // An answer to a look-up has no body that could say which of the two.
    return new AccessDeniedError(`${what}: ${said}. The credentials lack the right ${right} on it, or are wrong: check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_PROFILE`, error);
  }
  if (status === 301 || name === 'AuthorizationHeaderMalformed') return new InputError(`${what}: ${said}. The bucket is in another region: set AWS_REGION`, error);
  return new ServiceUnavailableError(`${what}: ${said}`, error);
}
