/** Sends the requests of the AWS SDK: never to a blocked address, and never with more to read than a reply can be. */
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { pipeline, Readable, Transform, type TransformCallback } from 'node:stream';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { allowedLookup } from '../blocked-addresses';

/** Ten messages of a mebibyte, with each character escaped. */
const LONGEST_REPLY = 64 * 1024 * 1024;
const AGENT = { keepAlive: true, lookup: allowedLookup };

export class GuardedRequests extends NodeHttpHandler {
  constructor(connectionTimeout: number) {
    super({ connectionTimeout, httpAgent: new HttpAgent(AGENT), httpsAgent: new HttpsAgent(AGENT) });
  }

  override async handle(...request: Parameters<NodeHttpHandler['handle']>): ReturnType<NodeHttpHandler['handle']> {
    const handled = await super.handle(...request);
    const body: unknown = handled.response.body;
    if (body instanceof Readable) handled.response.body = pipeline(body, new ReplyLimit(), () => undefined);
    return handled;
  }
}

class ReplyLimit extends Transform {
  private length = 0;

  override _transform(chunk: Buffer, _: BufferEncoding, done: TransformCallback): void {
    this.length += chunk.length;
    if (this.length > LONGEST_REPLY) done(new Error('the server sends more than a reply can be'));
    else done(null, chunk);
  }
}
