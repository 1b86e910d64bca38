/** The progress of each published scene, seen from outside: on the bus, in Temporal, in the API server. */
import type { Client } from '@temporalio/client';
import type { Bus } from '../../src/bus/bus';
import { eventKey } from '../../src/event/cloud-event';
import { firesQuery } from '../../src/contract/run-messages';
import { sensorRef } from '../../src/contract/identity';
import type { ApiClient } from '../kubernetes/api-client';

/** A published scene. */
export interface Scene {
  readonly id: string;
  readonly href: string;
  /** Channel or stream, and the entry in it. */
  readonly redis: string;
}

/** Filled step by step. */
export interface Journey {
  readonly scene: Scene;
  bus?: { readonly sequence: number; readonly subject: string; readonly eventKey: string };
  run?: { readonly id: string; readonly url: string };
  state?: string;
  /** Names of the Workflow objects that carry the scene: there must be exactly one. */
  workflows: string[];
  parameter?: string;
  outcome?: string;
}

export interface JourneySources {
  readonly bus: Bus;
  readonly client: Client;
  readonly kubernetes: ApiClient;
  readonly temporalUiUrl: string;
  readonly namespace: string;
  readonly sensor: string;
}

interface WorkflowObject {
  readonly metadata: { readonly name: string; readonly annotations?: Readonly<Record<string, string>> };
  readonly spec: { readonly arguments?: { readonly parameters?: ReadonlyArray<{ name: string; value?: string }> } };
  readonly status?: { readonly phase?: string };
}

/** Checks every place once and records what is new. */
export async function updateJourneys(journeys: readonly Journey[], sources: JourneySources): Promise<void> {
  await findOnBus(journeys, sources);
  await findRuns(journeys, sources);
  await findWorkflows(journeys, sources);
}

async function findOnBus(journeys: readonly Journey[], { bus }: JourneySources): Promise<void> {
  const missing = journeys.filter((journey) => journey.bus === undefined);
  if (missing.length === 0) return;
  for await (const { event, subject, sequence } of bus.readEvents({})) {
    const text = JSON.stringify(event?.data ?? null);
    const journey = missing.find(({ scene }) => text.includes(JSON.stringify(scene.href)));
    if (journey && event) journey.bus = { sequence, subject, eventKey: eventKey(event) };
  }
}

async function findRuns(journeys: readonly Journey[], sources: JourneySources): Promise<void> {
  const { client, namespace, sensor, temporalUiUrl } = sources;
  const waiting = journeys.filter(({ bus, outcome }) => bus !== undefined && outcome === undefined);
  if (waiting.length === 0) return;
  for await (const { workflowId } of client.workflow.list({
    query: `SluiceSensor = '${sensorRef(namespace, sensor)}'`,
  })) {
    const fires = await client.workflow.getHandle(workflowId).query(firesQuery);
    for (const fire of fires) {
      const journey = waiting.find(({ bus }) => bus !== undefined && fire.events.includes(bus.eventKey));
      if (journey === undefined) continue;
      journey.run ??= {
        id: workflowId,
        url: `${temporalUiUrl}/namespaces/default/workflows/${encodeURIComponent(workflowId)}`,
      };
      journey.state = fire.state;
      if (fire.outcome !== undefined) journey.outcome = fire.outcome.phase;
    }
  }
}

async function findWorkflows(journeys: readonly Journey[], sources: JourneySources): Promise<void> {
  const { kubernetes, namespace } = sources;
  const path = `/apis/argoproj.io/v1alpha1/namespaces/${namespace}/workflows`;
  const { body } = await kubernetes.expect('GET', path);
  const { items } = body as { items: readonly WorkflowObject[] };
  for (const journey of journeys) {
    const carrying = items.filter((item) => itemsParameter(item)?.includes(journey.scene.href));
    journey.workflows = carrying.map(({ metadata }) => metadata.name);
    const parameter = carrying[0] && itemsParameter(carrying[0]);
    if (parameter !== undefined) journey.parameter = parameter;
  }
}

function itemsParameter(workflow: WorkflowObject): string | undefined {
  return workflow.spec.arguments?.parameters?.find(({ name }) => name === 'items')?.value;
}
