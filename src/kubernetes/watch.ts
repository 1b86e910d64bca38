/** Lists a collection and then follows its changes, until the caller stops. */
import { setTimeout as sleep } from 'node:timers/promises';
import { isSluiceError, SluiceError } from '../errors/sluice-error';
import { inStage } from '../metrics/stages';
import type { KubernetesClient } from './client';
import { isKubernetesObject, isRecord, type KubernetesObject } from './kubernetes-object';
import { createRefusal, refusalOf } from './refusal';

export type WatchEvent =
  /** One object of a list. */
  | { readonly type: 'LISTED'; readonly object: KubernetesObject }
  /** The list is complete: objects that were known before and were not listed are gone. */
  | { readonly type: 'SYNCED'; readonly resourceVersion: string }
  /** A change after the list. A DELETED object is in its last state. */
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: KubernetesObject }
  /** Everything up to this version has been seen; a good place to resume from. */
  | { readonly type: 'BOOKMARK'; readonly resourceVersion: string };

export interface WatchOptions {
  /** Path of the collection. */
  readonly path: string;
  readonly labelSelector?: string;
  /** Resume here instead of listing; if the server has expired this version, it lists after all. */
  readonly resourceVersion?: string;
  readonly signal: AbortSignal;
  /** The connection was lost or refused for now; it will be retried. */
  onInterrupted?(error: SluiceError): void;
  /** The server has accepted the watch: changes from now on arrive. */
  readonly onOpened?: () => void;
}

/** Objects may be a megabyte each. */
const PAGE_SIZE = 100;
/** The server ends every watch after this time, well before proxies in between would. */
const WATCH_SECONDS = 240;
const SHORT_WATCH_MS = 5_000;
const MIN_PAUSE_MS = 200;
const MAX_PAUSE_MS = 30_000;

/** Never ends by itself. Throws only what waiting cannot fix: no permission, unknown resource. */
export async function* listAndWatch(client: KubernetesClient, options: WatchOptions): AsyncGenerator<WatchEvent> {
  const { signal } = options;
  let version = options.resourceVersion;
  let pauseMs = 0;
  while (!signal.aborted) {
    try {
      if (version === undefined) {
        for await (const event of list(client, options)) {
          if (event.type === 'SYNCED') version = event.resourceVersion;
          yield event;
        }
      }
      const openedAt = performance.now();
      for await (const event of watch(client, options, version ?? '0')) {
        pauseMs = 0;
        const seen = event.type === 'BOOKMARK' ? event.resourceVersion : resourceVersionOf(event);
        yield event;
        // Only now: a caller that resumes from this version must have handled the event.
        if (seen !== undefined) version = seen;
      }
      // If a proxy ends every watch immediately, do not retry in a tight loop.
      if (performance.now() - openedAt > SHORT_WATCH_MS) continue;
      pauseMs = longerThan(pauseMs);
    } catch (error) {
      if (signal.aborted) return;
      pauseMs = longerThan(pauseMs);
      if (isGone(error)) version = undefined;
      else if (!isSluiceError(error) || !error.retryable) throw error;
      else {
        options.onInterrupted?.(error);
        pauseMs = error.retryAfterMs ?? pauseMs;
      }
    }
    await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
  }
}

function longerThan(pauseMs: number): number {
  return Math.min(MAX_PAUSE_MS, Math.max(MIN_PAUSE_MS, pauseMs * 2));
}

function resourceVersionOf(event: WatchEvent): string | undefined {
  return 'object' in event ? event.object.metadata.resourceVersion : event.resourceVersion;
}

/** The server has expired the version to resume from. */
function isGone(error: unknown): boolean {
  return refusalOf(error)?.status === 410;
}

interface ListAnswer {
  apiVersion: string;
  kind: string;
  metadata: { resourceVersion?: string; continue?: string };
  items: KubernetesObject[];
}

/** Yields the collection as it was at a version. Throws KUBERNETES_REFUSED with status 410 if the server has forgotten it. */
export async function* listAt(
  client: KubernetesClient,
  options: Omit<WatchOptions, 'resourceVersion'>,
  resourceVersion: string,
): AsyncGenerator<KubernetesObject> {
  for await (const event of list(client, options, { resourceVersion, resourceVersionMatch: 'Exact' })) {
    if (event.type === 'LISTED') yield event.object;
  }
}

async function* list(
  client: KubernetesClient,
  options: WatchOptions,
  version: Readonly<Record<string, string>> = {},
): AsyncGenerator<WatchEvent> {
  const { path, labelSelector, signal } = options;
  let token: string | undefined;
  do {
    const answer: ListAnswer = await client.request<ListAnswer>({
      method: 'GET',
      path,
      // A further page is of the version of the first.
      query: {
        labelSelector,
        limit: PAGE_SIZE,
        ...(token === undefined ? version : { continue: token }),
      },
      signal,
    });
    const { apiVersion } = answer;
    const kind = answer.kind.replace(/List$/, '');
    // Lists of built-in kinds omit both in their items.
    for (const object of answer.items) yield { type: 'LISTED', object: { ...object, apiVersion, kind } };
    token = answer.metadata.continue || undefined;
    if (token === undefined) yield { type: 'SYNCED', resourceVersion: answer.metadata.resourceVersion ?? '0' };
  } while (token !== undefined);
}

async function* watch(
  client: KubernetesClient,
  { path, labelSelector, signal, onOpened }: WatchOptions,
  resourceVersion: string,
): AsyncGenerator<WatchEvent> {
  const query = {
    watch: true,
    allowWatchBookmarks: true,
    timeoutSeconds: WATCH_SECONDS,
    resourceVersion,
    labelSelector,
  };
  const timeoutMs = (WATCH_SECONDS + 30) * 1_000;
  for await (const line of client.lines({ method: 'GET', path, query, signal, timeoutMs }, onOpened)) {
    yield parseEvent(line, path);
  }
}

function parseEvent(line: string, path: string): WatchEvent {
  let event: unknown;
  try {
    event = inStage('Kubernetes watch', () => JSON.parse(line) as unknown);
  } catch (cause) {
    throw new SluiceError('KUBERNETES_UNREACHABLE', { message: `the watch of ${path} was cut off`, cause });
  }
  if (isRecord(event) && isKubernetesObject(event.object)) {
    const { object } = event;
    switch (event.type) {
      case 'ADDED':
      case 'MODIFIED':
      case 'DELETED':
        return { type: event.type, object };
      case 'BOOKMARK':
        return { type: 'BOOKMARK', resourceVersion: object.metadata.resourceVersion ?? '0' };
      case 'ERROR': {
        const status = typeof object.code === 'number' ? object.code : 500;
        throw createRefusal(`GET ${path}?watch`, status, undefined, JSON.stringify(object));
      }
    }
  }
  throw new SluiceError('KUBERNETES_UNREACHABLE', { message: `the watch of ${path} sent something unknown` });
}
