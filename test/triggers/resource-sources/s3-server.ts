/**
 * A bucket server that checks signatures by itself, written from the description of Signature Version 4 and not with
 * the library under test.
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface S3Server {
  readonly endpoint: string;
  close(): Promise<void>;
}

export async function startS3Server(
  keys: Readonly<Record<string, string>>,
  objects: Readonly<Record<string, string>>,
  publicPaths: readonly string[] = [],
): Promise<S3Server> {
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? '/', 'http://x').pathname);
    if (!publicPaths.includes(path) && !isSigned(request, keys)) response.writeHead(403).end('SignatureDoesNotMatch');
    else if (objects[path] === undefined) response.writeHead(404).end('NoSuchKey');
    else response.writeHead(200).end(objects[path]);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

function isSigned(request: IncomingMessage, keys: Readonly<Record<string, string>>): boolean {
  const match =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/s3\/aws4_request, SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/.exec(
      request.headers.authorization ?? '',
    );
  const [, keyId = '', day = '', region = '', signedHeaders = '', signature = ''] = match ?? [];
  const secret = keys[keyId];
  if (secret === undefined) return false;
  const header = (name: string) => String(request.headers[name] ?? '').trim();
  if (!['host', 'x-amz-date', 'x-amz-content-sha256'].every((name) => signedHeaders.split(';').includes(name))) {
    return false;
  }
  const canonicalRequest = [
    request.method,
    new URL(request.url ?? '/', 'http://x').pathname,
    '',
    ...signedHeaders.split(';').map((name) => `${name}:${header(name)}`),
    '',
    signedHeaders,
    header('x-amz-content-sha256'),
  ].join('\n');
  const scope = `${day}/${region}/s3/aws4_request`;
  const digest = createHash('sha256').update(canonicalRequest).digest('hex');
  const text = ['AWS4-HMAC-SHA256', header('x-amz-date'), scope, digest].join('\n');
  const key = [day, region, 's3', 'aws4_request'].reduce<string | Buffer>(
    (previous, part) => createHmac('sha256', previous).update(part).digest(),
    `AWS4${secret}`,
  );
  const expected = createHmac('sha256', key).update(text).digest();
  return timingSafeEqual(expected, Buffer.from(signature, 'hex'));
}
