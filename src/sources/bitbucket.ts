/** Event source `bitbucket`: webhooks of Bitbucket Cloud. A retry has the same `X-Request-UUID`, and so the same event id. */
import type { EventOptions } from '../manifest/event-source';
import { hookData } from './hook-events';
import { HookSource, type HookProtocol, type HookReading } from './hook-source';
import type { SourceOf } from './source';
import { readHookJson, readHookText, type HookRequest } from './webhook-request';

export const bitbucketSource: SourceOf<'bitbucket'> = {
  kind: 'bitbucket',
  cloudEventType: 'bitbucket',
  guarantee: 'at least once',
  create: (spec, context) => new HookSource(spec.webhook, context, new BitbucketProtocol(spec)),
};

class BitbucketProtocol implements HookProtocol {
  readonly methods = ['POST'];

  constructor(private readonly spec: EventOptions<'bitbucket'>) {}

  read(request: HookRequest): HookReading {
    const id = request.header('X-Request-Uuid');
    const body = readHookJson(readHookText(request));
    return {
      events: [
        {
          ...(id && { transportId: id }),
          data: hookData(request, body, this.spec.metadata),
          time: new Date().toISOString(),
        },
      ],
    };
  }
}
