// SPDX-License-Identifier: Apache-2.0
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const openssl = (args: readonly string[]): Promise<unknown> => promisify(execFile)('openssl', [...args]);

export interface Certificate { readonly certFile: string; readonly keyFile: string }

/** A certificate of an authority of its own, as PEM files in `folder`. */
export async function makeAuthority(folder: string, name: string): Promise<Certificate> {
  const [certFile, keyFile] = [join(folder, `${name}.pem`), join(folder, `${name}.key`)];
  await openssl(['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', `/CN=${name}`, '-out', certFile, '-keyout', keyFile,
    '-addext', 'basicConstraints=critical,CA:TRUE', '-addext', 'keyUsage=critical,keyCertSign']);
  return { certFile, keyFile };
}

/** A certificate that an authority signed, for a host name or address ('DNS:…', 'IP:…'); with -1 days it expired yesterday. */
export async function makeCertificate(folder: string, name: string, authority: Certificate, altName: string, days = 2): Promise<Certificate> {
  const [certFile, keyFile, request, extensions] = [join(folder, `${name}.pem`), join(folder, `${name}.key`), join(folder, `${name}.csr`), join(folder, `${name}.ext`)];
  await openssl(['req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', `/CN=${name}`, '-out', request, '-keyout', keyFile]);
  await writeFile(extensions, `subjectAltName=${altName}\nextendedKeyUsage=serverAuth,clientAuth\n`);
  await openssl(['x509', '-req', '-in', request, '-CA', authority.certFile, '-CAkey', authority.keyFile, '-CAcreateserial', '-days', String(days), '-extfile', extensions, '-out', certFile]);
  return { certFile, keyFile };
}
