// SPDX-License-Identifier: Apache-2.0
import type { S3Bucket } from './s3-requests.js';

/**
 * What lets GDAL's /vsis3 see the bucket as the client does: endpoint, addressing, region, and the very credentials the client found, so that
 * it makes no difference that GDAL looks for them in other places. All are set, empty ones too: a variable of another store must not shine through.
 */
export async function gdalOptionsOf(s3: S3Bucket): Promise<Readonly<Record<string, string>>> {
  const { endpoint, region, client } = s3;
  const credentials = await s3.ask({ verb: 'find credentials for', key: '', right: 's3:GetObject' }, () => client.config.credentials());
  return {
    AWS_S3_ENDPOINT: endpoint.host,
    AWS_HTTPS: endpoint.isTls ? 'YES' : 'NO',
    AWS_VIRTUAL_HOSTING: endpoint.isPathStyle ? 'FALSE' : 'TRUE',
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
    AWS_NO_SIGN_REQUEST: 'NO',
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    AWS_SESSION_TOKEN: credentials.sessionToken ?? '',
    GDAL_HTTP_CONNECTTIMEOUT: '5',
    // Less than a byte a second for so long is silence.
    GDAL_HTTP_LOW_SPEED_LIMIT: '1',
    GDAL_HTTP_LOW_SPEED_TIME: String(Math.ceil(s3.idleTimeoutMs / 1000)),
    GDAL_HTTP_MAX_RETRY: '6',
    GDAL_HTTP_RETRY_DELAY: '0.3',
    CPL_VSIL_CURL_CACHE_SIZE: `${64 << 20}`,
  };
}
