// SPDX-License-Identifier: Apache-2.0
// Where a bucket is looked for, and by which credentials: what the AWS variables and files say, told to GDAL as the client understands it.
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { AccessDeniedError, InputError } from '../src/index.js';
import { gdalOptionsFor, openStore } from '../io/index.js';

/** GDAL's options for a bucket where the environment has these variables, and no others of AWS. */
async function optionsWith(variables: Readonly<Record<string, string>>, url = 's3://a-bucket'): Promise<Readonly<Record<string, string>>> {
  for (const name of Object.keys(process.env)) if (/^(AWS|ALTIPLANO_S3)_/.test(name)) delete process.env[name];
  // Neither this machine's files nor its metadata service have a say.
  Object.assign(process.env, { AWS_CONFIG_FILE: '/dev/null', AWS_SHARED_CREDENTIALS_FILE: '/dev/null', AWS_EC2_METADATA_DISABLED: 'true', ...variables });
  const store = await openStore(url);
  try {
    return await store.gdalOptions();
  } finally {
    await store.close();
  }
}

const keys = { AWS_ACCESS_KEY_ID: 'AK', AWS_SECRET_ACCESS_KEY: 'SK' };

test.serial('on AWS the bucket is part of the host name, in the region given', async (t) => {
  t.like(await optionsWith({ ...keys, AWS_REGION: 'eu-central-1' }), {
    AWS_S3_ENDPOINT: 's3.eu-central-1.amazonaws.com', AWS_HTTPS: 'YES', AWS_VIRTUAL_HOSTING: 'TRUE', AWS_REGION: 'eu-central-1', AWS_SESSION_TOKEN: '', AWS_NO_SIGN_REQUEST: 'NO',
  });
});

test.serial('a bucket with a dot, which no certificate covers, is addressed by path', async (t) => {
  t.like(await optionsWith({ ...keys, AWS_REGION: 'us-west-2' }, 's3://a.bucket/x'), { AWS_S3_ENDPOINT: 's3.us-west-2.amazonaws.com', AWS_VIRTUAL_HOSTING: 'FALSE' });
});

test.serial('another server is addressed by path and needs no region; the S3 variable goes before the general one', async (t) => {
  const one = await optionsWith({ ...keys, AWS_SESSION_TOKEN: 'token', AWS_ENDPOINT_URL: 'https://general:1', AWS_ENDPOINT_URL_S3: 'http://s3.test:9000' });
  t.like(one, {
    AWS_S3_ENDPOINT: 's3.test:9000', AWS_HTTPS: 'NO', AWS_VIRTUAL_HOSTING: 'FALSE', AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'AK', AWS_SECRET_ACCESS_KEY: 'SK', AWS_SESSION_TOKEN: 'token',
  });
  t.like(await optionsWith({ ...keys, AWS_ENDPOINT_URL: 'https://general:1' }), { AWS_S3_ENDPOINT: 'general:1', AWS_HTTPS: 'YES', AWS_VIRTUAL_HOSTING: 'FALSE' });
  const virtual = await optionsWith({ ...keys, AWS_ENDPOINT_URL: 'https://general:1', ALTIPLANO_S3_PATH_STYLE: 'false' });
  t.like(virtual, { AWS_S3_ENDPOINT: 'general:1', AWS_VIRTUAL_HOSTING: 'TRUE' });
});

async function filesOf(t: ExecutionContext, config: string, credentials: string): Promise<Readonly<Record<string, string>>> {
  const folder = await mkdtemp(join(tmpdir(), 'altiplano-s3-config-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const files = { AWS_CONFIG_FILE: join(folder, 'config'), AWS_SHARED_CREDENTIALS_FILE: join(folder, 'credentials') };
  await writeFile(files.AWS_CONFIG_FILE, config);
  await writeFile(files.AWS_SHARED_CREDENTIALS_FILE, credentials);
  return files;
}

test.serial('a profile gives keys, region and endpoint', async (t) => {
  const files = await filesOf(t, '[profile survey]\nregion = sa-east-1\nendpoint_url = https://objects.test\n',
    '[default]\naws_access_key_id = no\naws_secret_access_key = no\n[survey]\naws_access_key_id = PAK\naws_secret_access_key = PSK\naws_session_token = PT\n');
  t.like(await optionsWith({ ...files, AWS_PROFILE: 'survey' }), {
    AWS_S3_ENDPOINT: 'objects.test', AWS_HTTPS: 'YES', AWS_VIRTUAL_HOSTING: 'FALSE', AWS_REGION: 'sa-east-1',
    AWS_ACCESS_KEY_ID: 'PAK', AWS_SECRET_ACCESS_KEY: 'PSK', AWS_SESSION_TOKEN: 'PT',
  });
});

test.serial('without credentials it is said what to set', async (t) => {
  const error = await t.throwsAsync(optionsWith({ AWS_REGION: 'eu-central-1' }), { instanceOf: AccessDeniedError });
  t.regex(error.message, /bucket a-bucket.*AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.*AWS_PROFILE/);
});

test.serial('a URL that is no bucket, an endpoint with a path, and another addressing than the two are refused', async (t) => {
  for (const url of ['s3://', 's3://AB/x', 's3://a', 's3://a_b/c', 's3://good-bucket/../x', 's3://good-bucket//x']) {
    await t.throwsAsync(optionsWith(keys, url), { instanceOf: InputError }, url);
  }
  await t.throwsAsync(optionsWith({ ...keys, AWS_ENDPOINT_URL: 'http://127.0.0.1:1/base' }), { instanceOf: InputError, message: /AWS_ENDPOINT_URL/ });
  await t.throwsAsync(optionsWith({ ...keys, ALTIPLANO_S3_PATH_STYLE: 'maybe' }), { instanceOf: InputError, message: /ALTIPLANO_S3_PATH_STYLE/ });
  await t.throwsAsync(optionsWith({ ...keys, ALTIPLANO_S3_TIMEOUT: '0' }), { instanceOf: InputError, message: /ALTIPLANO_S3_TIMEOUT/ });
});

test.serial('a server that ignores the condition of a put is found out before it loses anything', async (t) => {
  const server = createServer((request, answer) => { request.resume().on('end', () => { answer.end(); }); }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => { server.close(); });
  const address = server.address();
  Object.assign(process.env, keys, { AWS_ENDPOINT_URL: `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}` });
  delete process.env['AWS_ENDPOINT_URL_S3'];
  for (const name of ['ALTIPLANO_S3_PATH_STYLE', 'ALTIPLANO_S3_TIMEOUT']) delete process.env[name];
  const store = await openStore('s3://a-bucket');
  t.teardown(() => store.close());
  await t.throwsAsync(store.putIfAbsent('plan.json', Buffer.from('{}')), { instanceOf: InputError, message: /ignores If-None-Match/ });
});

test.serial('a store of files tells GDAL nothing, and neither does a path', async (t) => {
  t.deepEqual(await optionsWith({}, join(tmpdir(), 'altiplano-s3-config-none')), {});
  await rm(join(tmpdir(), 'altiplano-s3-config-none'), { recursive: true, force: true });
  t.deepEqual(await gdalOptionsFor('/data/image.tif'), {});
  Object.assign(process.env, keys, { AWS_ENDPOINT_URL: 'http://s3.test:9000' });
  t.like(await gdalOptionsFor('s3://images/left.tif'), { AWS_S3_ENDPOINT: 's3.test:9000', AWS_ACCESS_KEY_ID: 'AK' });
});
