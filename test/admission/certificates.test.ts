import { X509Certificate } from 'node:crypto';
import { connect, createServer } from 'node:tls';
import type { AddressInfo } from 'node:net';
import { renewCertificate, type ServingCertificate } from '../../src/admission/certificates';

const NAMES = ['sluice-admission.argo.svc', 'localhost'];
const inDays = (days: number): Date => new Date(Date.now() + days * 24 * 3_600_000);

/** Resolves with the reason for which a client that trusts `ca` rejects the server; undefined if it does not. */
async function rejection({ certificate, key }: ServingCertificate, ca: string): Promise<string | undefined> {
  const server = createServer({ cert: certificate, key });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return await new Promise<string | undefined>((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', ca, servername: NAMES[0] }, () => resolve(undefined));
    socket.on('error', (error: Error) => resolve(error.message));
    socket.on('secureConnect', () => socket.end());
  }).finally(() => server.close());
}

describe('the certificate of the webhook', () => {
  it('is trusted for its names by clients that trust its authority, and by no other', async () => {
    const first = await renewCertificate(undefined, NAMES);
    expect(await rejection(first, first.bundle)).toBeUndefined();
    const other = await renewCertificate(undefined, NAMES);
    expect(await rejection(first, other.bundle)).toBeDefined();
    expect(new X509Certificate(first.certificate).subjectAltName).toBe(
      'DNS:sluice-admission.argo.svc, DNS:localhost, IP Address:127.0.0.1',
    );
  });

  it('stays the same until 30 days before its end, and is then renewed under the same authority', async () => {
    const first = await renewCertificate(undefined, NAMES);
    expect(await renewCertificate(first, NAMES, inDays(59))).toBe(first);
    const second = await renewCertificate(first, NAMES, inDays(61));
    expect(second.certificate).not.toBe(first.certificate);
    expect(second.bundle).toBe(first.bundle);
    expect(Date.parse(new X509Certificate(second.certificate).validTo)).toBeGreaterThan(inDays(150).getTime());
    expect(await rejection(await renewCertificate({ ...first, certificate: '' }, NAMES), first.bundle)).toBeUndefined();
  });

  it('gets a new authority a year before the end of the former, which stays trusted beside it', async () => {
    const first = await renewCertificate(undefined, NAMES);
    const second = await renewCertificate(first, NAMES, inDays(9.5 * 365));
    expect(second.bundle.match(/BEGIN CERTIFICATE/g)).toHaveLength(2);
    expect(second.bundle).toContain(first.bundle);
    expect(await renewCertificate(second, NAMES, inDays(9.5 * 365))).toBe(second);
  });

  it('is renewed for another name, and if it cannot be read', async () => {
    const first = await renewCertificate(undefined, NAMES);
    const renamed = await renewCertificate(first, ['other.argo.svc', 'localhost']);
    expect(new X509Certificate(renamed.certificate).subjectAltName).toContain('other.argo.svc');
    expect(renamed.bundle).toBe(first.bundle);
    const broken = { bundle: 'x', authorityKey: 'x', certificate: 'x', key: 'x' };
    const repaired = await renewCertificate(broken, NAMES);
    expect(await rejection(repaired, repaired.bundle)).toBeUndefined();
  });
});
