/** `source.url`: the object from a web server. */
import { SluiceError } from '../../errors/sluice-error';
import { download } from './download';
import type { ReadResource } from './resource-source';

export interface UrlSource {
  readonly path: string;
  /** Default true: an impersonated server would decide what runs in the cluster. */
  readonly verifyCert?: boolean;
}

const MAX_BYTES = 512 * 1024;

export const readUrl: ReadResource<UrlSource> = async ({ path, verifyCert }, { signal }) => {
  const url = parseUrl(path);
  const origin = `source.url ${url.protocol}//${url.host}${url.pathname}`;
  const tls = { rejectUnauthorized: verifyCert !== false };
  return { text: await download({ url, origin, tls, maxBytes: MAX_BYTES, signal }), origin };
};

function parseUrl(path: string): URL {
  try {
    return new URL(path);
  } catch {
    // Neither message nor cause: the text may hold a password or a token.
    throw new SluiceError('TRIGGER_SOURCE_UNREADABLE', {
      message: 'source.url.path: expected an address such as https://example.com/workflow.yaml, found something else',
      retryable: false,
    });
  }
}
