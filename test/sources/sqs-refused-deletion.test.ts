import { createHash } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import { sqsSource } from '../../src/sources/sqs';
import { failureOf } from '../setup/failure';
import { readSource } from './read-source';

const BODY = { Body: 'done', MD5OfBody: createHash('md5').update('done').digest('hex') };

/** A server of SQS whose user may receive messages, and not delete them. */
async function startServer(): Promise<{ readonly server: Server; readonly url: string }> {
  let received = 0;
  const server = createServer((request, response) => {
    const answer = (status: number, body: object): void => {
      response.writeHead(status, { 'content-type': 'application/x-amz-json-1.0' }).end(JSON.stringify(body));
    };
    request.resume().on('end', () => {
      switch (request.headers['x-amz-target']) {
        case 'AmazonSQS.GetQueueUrl':
          return answer(200, { QueueUrl: 'http://sqs/1/scenes' });
        case 'AmazonSQS.ReceiveMessage':
          received += 1;
          return answer(200, { Messages: [{ MessageId: 'm', ReceiptHandle: String(received), ...BODY }] });
        case 'AmazonSQS.DeleteMessageBatch':
          return answer(403, { __type: 'com.amazon.coral.service#AccessDeniedException', message: 'no' });
        default:
          return answer(200, {});
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return { server, url: `http://127.0.0.1:${address.port}` };
}

it('a queue whose messages must not be deleted ends the source, so that they do not come again and again', async () => {
  const { server, url } = await startServer();
  const reading = readSource(
    sqsSource,
    {
      region: 'eu-central-1',
      queue: 'scenes',
      endpoint: url,
      accessKey: { name: 'aws', key: 'id' },
      secretKey: { name: 'aws', key: 'secret' },
    },
    {},
    { 'aws/id': 'any', 'aws/secret': 'any' },
  );
  try {
    const delivery = await reading.next();
    const failure = await failureOf(delivery.acknowledge({ rejected: [] }));
    await delivery.release(failure);
    expect(await failureOf(reading.next())).toMatchObject({
      code: 'EVENT_SOURCE_MISCONFIGURED',
      message: expect.stringContaining('scenes') as string,
    });
  } finally {
    await reading.stop();
    server.closeAllConnections();
    server.close();
  }
});
