import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand } from './binaries/run-command';

export interface TlsFiles {
  /** Certificate of the authority that signed both sides. */
  caPath: string;
  serverCertificatePath: string;
  serverKeyPath: string;
  clientCertificatePath: string;
  clientKeyPath: string;
}

const VALID_DAYS = '2';

/**
 * Writes a certificate authority and one certificate each for a server on this machine (localhost, 127.0.0.1, ::1) and
 * Node can read certificates but not create them, hence the openssl program.
 */
export async function createTlsFiles(folder: string, serverNames: readonly string[] = []): Promise<TlsFiles> {
  const file = (name: string) => join(folder, name);
  const config = file('openssl.cnf');
  const names = ['DNS:localhost', 'IP:127.0.0.1', 'IP:::1', ...serverNames].join(',');
  await writeFile(
    config,
    `[req]
distinguished_name = empty
prompt = no
[empty]
CN = unused
[authority]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[server]
subjectAltName = ${names}
keyUsage = critical,digitalSignature
extendedKeyUsage = serverAuth
[client]
keyUsage = critical,digitalSignature
extendedKeyUsage = clientAuth
`,
  );
  const keyOptions = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-sha256', '-config', config];
  const createSigned = async (name: string, subject: string) => {
    const request = file(`${name}.csr`);
    await runCommand('openssl', [
      'req',
      '-new',
      ...keyOptions,
      '-keyout',
      file(`${name}.key`),
      '-out',
      request,
      '-subj',
      subject,
    ]);
    // Two steps, since LibreSSL (macOS) has no `req -CA`.
    const signer = [
      '-CA',
      file('ca.crt'),
      '-CAkey',
      file('ca.key'),
      '-set_serial',
      `0x${randomBytes(8).toString('hex')}`,
    ];
    const output = ['-out', file(`${name}.crt`), '-days', VALID_DAYS, '-sha256'];
    await runCommand('openssl', [
      'x509',
      '-req',
      '-in',
      request,
      ...signer,
      ...output,
      '-extfile',
      config,
      '-extensions',
      name,
    ]);
  };

  const ca = ['-keyout', file('ca.key'), '-out', file('ca.crt'), '-days', VALID_DAYS, '-subj', '/CN=sluice-dev-ca'];
  await runCommand('openssl', ['req', '-x509', ...keyOptions, ...ca, '-extensions', 'authority']);
  await Promise.all([createSigned('server', '/CN=localhost'), createSigned('client', '/CN=sluice')]);
  return {
    caPath: file('ca.crt'),
    serverCertificatePath: file('server.crt'),
    serverKeyPath: file('server.key'),
    clientCertificatePath: file('client.crt'),
    clientKeyPath: file('client.key'),
  };
}
