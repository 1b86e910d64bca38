/** What the options of a `stac` event ask of its API, with the credentials of their Secrets. */
import { validateHeaderName, validateHeaderValue } from 'node:http';
import { readTls } from '../clients/tls';
import type { EventOptions } from '../manifest/event-source';
import { StacConnection } from '../stac/stac-connection';
import type { StacSearch } from '../stac/search-request';
import { parseDurationMs } from '../text/durations';
import type { SourceContext } from './source';
import { sourceFailure } from './source-failure';

export type StacOptions = EventOptions<'stac'>;

const DEFAULT_PAGE_SIZE = 100;

/** The part of the options that says which items are meant. */
export function nameSearch({ url, collections, bbox, intersects, cql2, datetime, last }: StacOptions): string {
  return JSON.stringify([url, collections, bbox, intersects, cql2, datetime, last]);
}

/** Throws EVENT_SOURCE_MISCONFIGURED for an address that is none. */
export function readApi({ url }: StacOptions, context: SourceContext): URL {
  const api = URL.canParse(url) ? new URL(url) : undefined;
  if (api !== undefined && ['http:', 'https:'].includes(api.protocol) && api.username + api.password === '') return api;
  // Without the address: it may hold a password.
  throw sourceFailure(context, 'misconfigured', {
    message: 'url is not an http or https address without user information',
    fix: 'Name the root of the STAC API, and put credentials into basicAuth, authSecret or secureHeaders',
  });
}

/** One connection for as long as the TLS settings of the Secrets stay the same. */
export class StacAccess {
  private connected: { readonly tls: string; readonly connection: StacConnection } | undefined;

  constructor(
    private readonly spec: StacOptions,
    private readonly context: SourceContext,
  ) {}

  /** Reads the Secrets. Throws SECRET_MISSING, and EVENT_SOURCE_MISCONFIGURED for values that cannot be sent. */
  async open(): Promise<{ readonly search: StacSearch; readonly connection: StacConnection }> {
    const api = readApi(this.spec, this.context);
    const { namespace, secrets } = this.context;
    const tls = await readTls(this.spec.tls, (selector) => secrets.secret(namespace, selector));
    const text = JSON.stringify(tls ?? null);
    if (this.connected?.tls !== text) {
      const former = this.connected;
      this.connected = { tls: text, connection: new StacConnection(api, tls) };
      await former?.connection.close();
    }
    const { collections, bbox, intersects, cql2, limit, method } = this.spec;
    const search: StacSearch = {
      api: api.href,
      collections,
      bbox,
      intersects,
      datetime: this.datetime(),
      filter: cql2,
      newestFirst: true,
      pageSize: limit ?? DEFAULT_PAGE_SIZE,
      headers: await this.readHeaders(),
      method,
    };
    return { search, connection: this.connected.connection };
  }

  async close(): Promise<void> {
    await this.connected?.connection.close();
    this.connected = undefined;
  }

  private datetime(): string | undefined {
    const { datetime, last } = this.spec;
    const lastMs = last === undefined ? undefined : parseDurationMs(last);
    return lastMs === undefined ? datetime : `${new Date(Date.now() - lastMs).toISOString()}/..`;
  }

  private async readHeaders(): Promise<Record<string, string>> {
    const { namespace, secrets } = this.context;
    const { headers, secureHeaders = [], basicAuth, authSecret } = this.spec;
    const read: Record<string, string> = {};
    for (const [name, value] of Object.entries(headers ?? {})) this.setHeader(read, name, value);
    for (const { name, valueFrom } of secureHeaders) {
      const { secretKeyRef, configMapKeyRef } = valueFrom;
      if (secretKeyRef) this.setHeader(read, name, await secrets.secret(namespace, secretKeyRef));
      else if (configMapKeyRef) this.setHeader(read, name, await secrets.configMap(namespace, configMapKeyRef));
    }
    if (basicAuth) {
      const user = basicAuth.username ? await secrets.secret(namespace, basicAuth.username) : '';
      const password = basicAuth.password ? await secrets.secret(namespace, basicAuth.password) : '';
      this.setHeader(read, 'authorization', `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`);
    }
    if (authSecret) this.setHeader(read, 'authorization', `Bearer ${await secrets.secret(namespace, authSecret)}`);
    return read;
  }

  /** The client would quote a value that it cannot send. */
  private setHeader(headers: Record<string, string>, name: string, value: string): void {
    try {
      validateHeaderName(name);
      validateHeaderValue(name, value);
    } catch {
      throw sourceFailure(this.context, 'misconfigured', {
        message: `the header ${JSON.stringify(name)} cannot be sent`,
        fix: 'Header names and values must be plain text on one line',
      });
    }
    headers[name.toLowerCase()] = value;
  }
}
