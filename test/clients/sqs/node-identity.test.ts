import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SqsQueue } from '../../../src/clients/sqs/sqs-queue';
import { SluiceError } from '../../../src/errors/sluice-error';
import { secretsFrom } from '../../setup/secrets';

describe('the identity of the node that a worker runs on', () => {
  const former = { ...process.env };
  let metadata: Server;
  let asked: string[] = [];

  beforeEach(async () => {
    asked = [];
    metadata = createServer((request, response) => {
      asked.push(request.url ?? '');
      response.writeHead(404).end();
    });
    await new Promise<void>((resolve) => metadata.listen(0, '127.0.0.1', resolve));
    const { port } = metadata.address() as AddressInfo;
    for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) delete process.env[name];
    process.env['AWS_EC2_METADATA_SERVICE_ENDPOINT'] = `http://127.0.0.1:${port}`;
    process.env['AWS_SHARED_CREDENTIALS_FILE'] = process.env['AWS_CONFIG_FILE'] = '/nowhere';
  });

  afterEach(async () => {
    process.env = { ...former };
    await new Promise((resolve) => metadata.close(resolve));
  });

  const open = (): Promise<unknown> =>
    SqsQueue.open(
      { region: 'eu-central-1', queue: 'scenes', endpoint: 'http://127.0.0.1:1' },
      {
        namespace: 'eo',
        secrets: secretsFrom({}),
        signal: new AbortController().signal,
        log: () => undefined,
        failure: (_kind, details) => new SluiceError('EVENT_SOURCE_UNREACHABLE', details),
      },
      new AbortController().signal,
    );

  it('is not used for an sqs source without keys', async () => {
    await expect(open()).rejects.toThrow(/credentials/i);
    expect(asked).toEqual([]);
  });

  it('is asked for if the operator has allowed the address of the metadata service', async () => {
    process.env['SLUICE_BLOCKED_ADDRESSES'] = 'none';
    await expect(open()).rejects.toThrow();
    expect(asked).not.toEqual([]);
  });
});
