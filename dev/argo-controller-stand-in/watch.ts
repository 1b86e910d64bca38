import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ApiClient } from '../kubernetes/api-client';
import type { Workflow } from './workflow';

const PAUSE_AFTER_FAILURE_MS = 200;

interface WatchLine {
  type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  object: Workflow;
}

export interface WorkflowListener {
  onState(workflow: Workflow): void;
  onGone(uid: string): void;
}

/** Reports every Workflow under `path` and each change until aborted, across restarts of the API server. */
export async function followWorkflows(
  api: ApiClient,
  path: string,
  listener: WorkflowListener,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      const { body } = await api.expect('GET', path);
      const { items, metadata } = body as { items: Workflow[]; metadata: { resourceVersion: string } };
      for (const item of items) listener.onState(item);
      await watchFrom(
        api,
        `${path}?watch=1&allowWatchBookmarks=true&resourceVersion=${metadata.resourceVersion}`,
        listener,
        signal,
      );
    } catch {
      // The API server is unavailable, or our resource version is too old: list again after a moment.
      await sleep(PAUSE_AFTER_FAILURE_MS, undefined, { signal }).catch(() => undefined);
    }
  }
}

async function watchFrom(api: ApiClient, path: string, listener: WorkflowListener, signal: AbortSignal): Promise<void> {
  const stream = await api.open(path, signal);
  for await (const line of createInterface({ input: stream })) {
    const { type, object } = JSON.parse(line) as WatchLine;
    if (type === 'ADDED' || type === 'MODIFIED') listener.onState(object);
    if (type === 'DELETED') listener.onGone(object.metadata.uid);
    if (type === 'ERROR') return;
  }
}
