import { readTls } from '../../src/clients/tls';

describe('a tls block', () => {
  const selector = (name: string) => ({ name, key: 'pem' });
  const client = { clientCertSecret: selector('cert'), clientKeySecret: selector('key') };
  const read = ({ name }: { readonly name: string }) => Promise.resolve(`PEM ${name}`);

  it('requests no TLS if it is absent', async () => {
    expect(await readTls(undefined, read)).toBeUndefined();
  });

  it.each([
    ['enabled', { enabled: true }, { rejectUnauthorized: true }],
    ['a certificate authority', { caCertSecret: selector('ca') }, { ca: 'PEM ca', rejectUnauthorized: true }],
    ['a client certificate', client, { cert: 'PEM cert', key: 'PEM key', rejectUnauthorized: true }],
    ['no verification', { insecureSkipVerify: true }, { rejectUnauthorized: false }],
    [
      'a client certificate and no verification',
      { ...client, insecureSkipVerify: true },
      { cert: 'PEM cert', key: 'PEM key', rejectUnauthorized: false },
    ],
  ])('with %s means the same to every client', async (_what, block, expected) => {
    expect(await readTls(block, read)).toEqual(expected);
  });

  it('fails with the error of the Secret that cannot be read', async () => {
    const failing = readTls({ caCertSecret: selector('ca') }, () => Promise.reject(new Error('no such Secret')));
    await expect(failing).rejects.toThrow('no such Secret');
  });
});
