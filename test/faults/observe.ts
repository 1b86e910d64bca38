/** Reads what came of the entries: objects in the API server, requests to the receiver, parked runs, decisions. */
import type { Client } from '@temporalio/client';
import type { ApiClient } from '../../dev/kubernetes/api-client';
import type { Bus } from '../../src/bus/bus';
import { firesQuery } from '../../src/contract/run-messages';
import type { HttpRecorder } from '../setup/http-recorder';
import { FLOWS, NAMESPACE } from './flows';
import { markOf, type Observation } from './ledger';

const WORKFLOWS = `/apis/argoproj.io/v1alpha1/namespaces/${NAMESPACE}/workflows`;

export interface Observed {
  readonly api: ApiClient;
  readonly client: Client;
  readonly receiver: HttpRecorder;
  readonly bus: Bus;
}

interface WorkflowList {
  readonly items: ReadonlyArray<{
    readonly metadata: { readonly name: string };
    readonly spec: { readonly arguments: { readonly parameters: ReadonlyArray<{ name: string; value: string }> } };
  }>;
  readonly metadata: { readonly continue?: string };
}

export async function observeEffects({ api, receiver }: Observed): Promise<Observation['effects']> {
  const effects = new Map<string, Set<string>>();
  const add = (eventName: string, n: number, effect: string): void => {
    const mark = markOf({ eventName, n });
    effects.set(mark, (effects.get(mark) ?? new Set()).add(effect));
  };
  for (let from = ''; ;) {
    const { body } = await api.expect(
      'GET',
      `${WORKFLOWS}?limit=500${from && `&continue=${encodeURIComponent(from)}`}`,
    );
    const { items, metadata } = body as WorkflowList;
    for (const { metadata: own, spec } of items) {
      for (const { name, value } of spec.arguments.parameters) add(name, Number(value), own.name);
    }
    from = metadata.continue ?? '';
    if (from === '') break;
  }
  // A request that is repeated under the same key is one effect: that is what the key is for.
  for (const { headers, body } of receiver.requests()) {
    add('http', Number(body['n']), String(headers['idempotency-key']));
  }
  return effects;
}

export async function observeParked({ client }: Observed): Promise<Observation['parked']> {
  const parked = new Set<string>();
  const query = `SluiceSensor IN (${FLOWS.map(({ name }) => `'${NAMESPACE}/${name}'`).join(', ')}) AND SluiceState = 'Parked'`;
  for await (const { workflowId } of client.workflow.list({ query })) {
    for (const fire of await client.workflow.getHandle(workflowId).query(firesQuery)) {
      if (fire.state === 'Parked') for (const key of fire.events) parked.add(key);
    }
  }
  return parked;
}

export async function observeDecisions({ bus }: Observed): Promise<Observation['decisions']> {
  const decisions = new Map<string, Set<string>>();
  for await (const { eventKey, decision } of bus.readDecisions({})) {
    decisions.set(eventKey, (decisions.get(eventKey) ?? new Set()).add(decision));
  }
  return decisions;
}
