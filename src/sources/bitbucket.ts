/** Event source `bitbucket`: webhooks of Bitbucket Cloud. A retry has the same `X-Request-UUID`, and so the same event id. */
import { hookData, hookEvent } from './hook-events';
import { hookSource } from './hook-source';
import type { SourceOf } from './source';
import { readHookJson, readHookText } from './webhook-request';

export const bitbucketSource: SourceOf<'bitbucket'> = hookSource('bitbucket', ({ metadata }) => ({
  read(request) {
    const data = hookData(request, readHookJson(readHookText(request)), metadata);
    return { events: [hookEvent(data, request.header('X-Request-Uuid'))] };
  },
}));
