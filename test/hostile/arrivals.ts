/** What B's triggers did: the requests at its receiver, or the Workflows in its namespace. */
import { createInterface } from 'node:readline';
import type { ApiClient } from '../../dev/kubernetes/api-client';
import { isJsonObject, type JsonObject } from '../../src/event/json';
import type { HttpRecorder } from '../setup/http-recorder';
import { TENANT_B } from './hostile-manifests';

export type TriggerOfB = 'http' | 'workflow';

export interface Arrival {
  /** Number of the event. */
  readonly n: number;
  readonly at: number;
  /** The same for each repetition of one fire. */
  readonly fire: string;
}

export interface Arrivals {
  all(): readonly Arrival[];
  forget(): void;
  close(): void;
}

export function requestsAt(receiver: HttpRecorder): Arrivals {
  return {
    all: () =>
      receiver
        .requests('/b')
        .map(({ body, headers, at }) => ({ n: Number(body.n), at, fire: String(headers['idempotency-key']) })),
    forget: () => receiver.forgetRequests(),
    close: () => undefined,
  };
}

const WORKFLOWS = `/apis/argoproj.io/v1alpha1/namespaces/${TENANT_B}/workflows`;

/** The annotation `order` of a Workflow is the number of its event. */
export async function workflowsOf(api: ApiClient): Promise<Arrivals> {
  const { body: list } = await api.expect('GET', `${WORKFLOWS}?limit=1`);
  const since = textOf(metadataOf(list).resourceVersion);
  const closed = new AbortController();
  const watch = await api.open(`${WORKFLOWS}?watch=1&resourceVersion=${since}`, closed.signal);
  const arrivals: Arrival[] = [];
  const lines = createInterface({ input: watch });
  lines.on('line', (line) => {
    const at = Date.now();
    const change: unknown = JSON.parse(line);
    if (!isJsonObject(change) || change.type !== 'ADDED') return;
    const { name, annotations } = metadataOf(change.object);
    if (isJsonObject(annotations)) arrivals.push({ n: Number(annotations.order), at, fire: textOf(name) });
  });
  // Missing Workflows count as lost; `close` aborts the watch.
  for (const stream of [watch, lines]) stream.on('error', () => undefined);
  return {
    all: () => arrivals,
    forget: () => void arrivals.splice(0),
    close: () => closed.abort(),
  };
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function metadataOf(object: unknown): JsonObject {
  return isJsonObject(object) && isJsonObject(object.metadata) ? object.metadata : {};
}
