/**
 * Compares the objects that Argo Events created with those that Sluice would have created for the same events. Sluice
 * only decides here: it needs no worker, sends nothing, and leaves no trace.
 */
import { isHandledByArgo, type ArgoPosition } from '../bus/argo-positions';
import type { StoredEvent } from '../bus/bus';
import type { SensorDefinition } from '../contract/definitions';
import { eventKey } from '../event/cloud-event';
import { isJsonObject, type JsonObject, type JsonValue } from '../event/json';
import type { ExpressionEngine } from '../expressions/engine';
import type { OpenCluster } from '../kubernetes/access';
import { isRecord, type KubernetesObject } from '../kubernetes/kubernetes-object';
import {
  ACTION_TIMESTAMP_LABEL,
  fireIdOf,
  SENSOR_LABEL,
  toLabelValue,
  TRIGGER_LABEL,
} from '../kubernetes/object-marks';
import { objectPath } from '../kubernetes/object-path';
import { partialMismatches, type Mismatch } from '../rehearsal/partial-match';
import { createRunPreviews } from '../rehearsal/preview-run';
import { allFires, type RehearsedFire } from '../rehearsal/rehearsal';
import { rehearse } from '../rehearsal/rehearse';

export interface TriggerComparison {
  readonly trigger: string;
  /** Objects that both created, with equal content. */
  readonly same: number;
  readonly different: readonly Difference[];
  /** Argo Events created them, Sluice would not. `Workflow argo/x` */
  readonly onlyArgo: readonly string[];
  /** Sluice would create one for these events, and none was found. */
  readonly onlySluice: ReadonlyArray<readonly string[]>;
  /** Fires that create no object, or whose object is not known without the network. */
  readonly notCompared: number;
}

export interface Difference {
  readonly object: string;
  readonly events: readonly string[];
  readonly fields: readonly Mismatch[];
}

export interface ComparedSensor {
  readonly events: number;
  /** RFC 3339. */
  readonly from?: string;
  readonly triggers: readonly TriggerComparison[];
}

export interface CompareTools {
  readonly cluster: OpenCluster;
  readonly engine: ExpressionEngine;
  readonly signal: AbortSignal;
}

interface Expected {
  readonly fire: RehearsedFire;
  readonly object: JsonObject;
  readonly namespace: string | undefined;
}

/** `positions`: what Argo Events has handled; fires for other events are left out. */
export async function compareCreated(
  definition: SensorDefinition,
  events: readonly StoredEvent[],
  positions: readonly ArgoPosition[],
  tools: CompareTools,
): Promise<ComparedSensor> {
  const readable = events.flatMap((stored) => (stored.event === undefined ? [] : [{ ...stored, event: stored.event }]));
  const [first] = readable;
  if (first === undefined) return { events: 0, triggers: [] };
  const fires = (await rehearseAll(definition, readable, tools)).filter((fire) =>
    isHandledThere(fire, readable, positions),
  );
  const expected = fires.flatMap((fire) => expectedOf(fire));
  const actual = await createdObjects(definition, expected, first.publishedAt, tools.cluster);
  const triggers = definition.spec.triggers.map(({ template: { name } }) => {
    const own = expected.filter(({ fire }) => fire.trigger === name);
    const notCompared = fires.filter(({ trigger }) => trigger === name).length - own.length;
    const found = actual.filter(({ metadata }) => metadata.labels?.[TRIGGER_LABEL] === toLabelValue(name));
    return { trigger: name, ...pair(own, found), notCompared };
  });
  return { events: readable.length, from: new Date(first.publishedAt).toISOString(), triggers };
}

type ReadableEvent = StoredEvent & { readonly event: NonNullable<StoredEvent['event']> };

async function rehearseAll(
  definition: SensorDefinition,
  events: readonly ReadableEvent[],
  { engine, signal }: CompareTools,
): Promise<RehearsedFire[]> {
  const previews = createRunPreviews(engine, new Map(), signal);
  try {
    const given = events.map(({ event, sequence }) => ({ origin: String(sequence), event }));
    return allFires(await rehearse(definition, given, { engine, previewRun: previews.previewRun, waitMs: 0 }));
  } finally {
    await previews.close();
  }
}

function isHandledThere(
  { trigger, events: byDependency }: RehearsedFire,
  events: readonly ReadableEvent[],
  positions: readonly ArgoPosition[],
): boolean {
  return Object.entries(byDependency).every(([dependency, keys]) =>
    keys.every((key) => {
      const place = events.find(({ event }) => eventKey(event) === key);
      if (place === undefined) return false;
      // An event that it holds is the last one of a fire that has not happened there.
      return isHandledByArgo(positions, trigger, dependency, place);
    }),
  );
}

function expectedOf(fire: RehearsedFire): Expected[] {
  if (fire.outcome !== 'sends' || !isJsonObject(fire.sends)) return [];
  const { operation, object, namespace } = fire.sends;
  if ((operation !== 'create' && operation !== 'submit') || !isJsonObject(object)) return [];
  return [{ fire, object, namespace: typeof namespace === 'string' ? namespace : undefined }];
}

/** Returns those of Argo Events only: Sluice marks its own with the fire that made them. */
async function createdObjects(
  { namespace, name }: SensorDefinition,
  expected: readonly Expected[],
  sinceMs: number,
  { client, discovery }: OpenCluster,
): Promise<KubernetesObject[]> {
  const places = new Map<string, { apiVersion: string; kind: string; namespace: string }>();
  for (const { object, namespace: own = namespace } of expected) {
    const { apiVersion, kind } = object;
    if (typeof apiVersion !== 'string' || typeof kind !== 'string') continue;
    places.set(JSON.stringify([apiVersion, kind, own]), { apiVersion, kind, namespace: own });
  }
  const found: KubernetesObject[] = [];
  for (const place of places.values()) {
    const resource = await discovery.find(place.apiVersion, place.kind);
    const { items } = await client.request<{ items: KubernetesObject[] }>({
      method: 'GET',
      path: objectPath(resource, resource.namespaced ? place.namespace : undefined),
      query: { labelSelector: `${SENSOR_LABEL}=${toLabelValue(name)}` },
    });
    found.push(...items.map((item) => ({ ...item, apiVersion: place.apiVersion, kind: place.kind })));
  }
  return found.filter((object) => fireIdOf(object) === undefined && createdAtMs(object) >= sinceMs);
}

/** Argo Events labels objects with the time of the action, in milliseconds; the API server knows seconds only. */
function createdAtMs({ metadata }: KubernetesObject): number {
  const label = Number(metadata.labels?.[ACTION_TIMESTAMP_LABEL]);
  return Number.isFinite(label) && label > 0 ? label : Date.parse(metadata.creationTimestamp ?? '') + 999;
}

type Pairing = Pick<TriggerComparison, 'same' | 'different' | 'onlyArgo' | 'onlySluice'>;

/** Pairs equal objects first, then the remaining ones in the order of time. */
function pair(expected: readonly Expected[], actual: readonly KubernetesObject[]): Pairing {
  const left = [...actual].sort((a, b) => createdAtMs(a) - createdAtMs(b));
  const unmatched = expected.filter(({ object }) => {
    const index = left.findIndex((candidate) => mismatches(object, candidate).length === 0);
    if (index >= 0) left.splice(index, 1);
    return index < 0;
  });
  const different = unmatched.slice(0, left.length).flatMap(({ fire, object }, index): Difference[] => {
    const found = left[index];
    if (found === undefined) return [];
    return [{ object: describe(found), events: eventsOf(fire), fields: mismatches(object, found) }];
  });
  return {
    same: expected.length - unmatched.length,
    different,
    onlyArgo: left.slice(unmatched.length).map(describe),
    onlySluice: unmatched.slice(left.length).map(({ fire }) => eventsOf(fire)),
  };
}

/** Names are made by each system in its own way, and the API server adds defaults. */
function mismatches(expected: JsonObject, actual: KubernetesObject): Mismatch[] {
  const { apiVersion: _version, kind: _kind, status: _status, metadata, ...content } = expected;
  const labels = isJsonObject(metadata) ? ownMarks(metadata.labels) : {};
  const annotations = isJsonObject(metadata) ? ownMarks(metadata.annotations) : {};
  return [
    ...partialMismatches(labels, asJson(actual.metadata.labels), 'metadata.labels'),
    ...partialMismatches(annotations, asJson(actual.metadata.annotations), 'metadata.annotations'),
    ...Object.entries(content).flatMap(([field, value]) => partialMismatches(value, asJson(actual[field]), field)),
  ];
}

/** Without the marks of the systems themselves. */
function ownMarks(marks: JsonValue | undefined): JsonObject {
  if (!isJsonObject(marks)) return {};
  const isForeign = (name: string): boolean => !/^(events\.argoproj\.io|sluice\.io)\/|^traceparent$/.test(name);
  return Object.fromEntries(Object.entries(marks).filter(([name]) => isForeign(name)));
}

/** Objects of the API server are JSON; an absent one is an empty object. */
function asJson(value: unknown): JsonValue {
  if (value === undefined) return {};
  return isJsonObject(value) || Array.isArray(value)
    ? (value as JsonValue)
    : isRecord(value)
      ? {}
      : (value as JsonValue);
}

function eventsOf({ events }: RehearsedFire): string[] {
  return Object.values(events).flat();
}

function describe({ kind, metadata: { namespace, name } }: KubernetesObject): string {
  return `${kind} ${namespace === undefined ? '' : `${namespace}/`}${name ?? ''}`;
}
