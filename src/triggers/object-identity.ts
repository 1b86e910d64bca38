/**
 * Names and marks of the objects that a fire creates.
 *
 * The same fire always gives the same name, so the API server itself rejects a second object for a redelivered event.
 */
import { createHash } from 'node:crypto';
import { eventKey, traceparentOf } from '../event/cloud-event';
import type { KubernetesObject } from '../kubernetes/kubernetes-object';
import {
  ACTION_TIMESTAMP_LABEL,
  EVENT_IDS_ANNOTATION,
  FIRE_ID_ANNOTATION,
  RUN_ID_ANNOTATION,
  SENSOR_LABEL,
  toLabelValue,
  TRACEPARENT_ANNOTATION,
  TRIGGER_LABEL,
} from '../kubernetes/object-marks';
import type { FireRequest } from './trigger';

/** The facts about its fire that an object carries. */
export type FireIdentity = Pick<
  FireRequest<unknown>,
  'fireId' | 'runId' | 'sensorName' | 'triggerName' | 'events' | 'eventKeys'
>;

/** Argo rejects longer Workflow names, and names become label values, which have the same limit. */
const MAX_NAME_LENGTH = 63;
/** 60 bits: among a million live objects under one prefix, the chance of a collision is below one in a million. */
const SUFFIX_LENGTH = 12;
const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567';

/**
 * Returns the name for `generateName`, deterministic in the fire. Keeps the whole suffix and cuts the prefix if the
 * name would exceed 63 characters. `gen-` with some fire → `gen-7hq2x4mznb3e`.
 */
export function nameFor(generateName: string, fireId: string): string {
  const prefix = generateName.slice(0, MAX_NAME_LENGTH - SUFFIX_LENGTH);
  return prefix + suffixFor(fireId);
}

function suffixFor(fireId: string): string {
  const digest = createHash('sha256').update(fireId).digest();
  let suffix = '';
  for (let index = 0; index < SUFFIX_LENGTH; index++) suffix += BASE32[(digest[index] ?? 0) & 31];
  return suffix;
}

/** Adds labels and annotations, and replaces `generateName` by a name. Changes nothing else. */
export function markCreated(object: KubernetesObject, fire: FireIdentity, nowMs = Date.now()): KubernetesObject {
  const { metadata } = object;
  const events = Object.values(fire.events);
  const traceparent = traceparentOf(events);
  return {
    ...object,
    metadata: {
      ...metadata,
      ...(metadata.name || !metadata.generateName ? {} : { name: nameFor(metadata.generateName, fire.fireId) }),
      labels: {
        ...metadata.labels,
        [SENSOR_LABEL]: toLabelValue(fire.sensorName),
        [TRIGGER_LABEL]: toLabelValue(fire.triggerName),
        [ACTION_TIMESTAMP_LABEL]: String(nowMs),
      },
      annotations: {
        ...metadata.annotations,
        [FIRE_ID_ANNOTATION]: fire.fireId,
        ...(fire.runId === undefined ? {} : { [RUN_ID_ANNOTATION]: fire.runId }),
        [EVENT_IDS_ANNOTATION]: JSON.stringify(fire.eventKeys ?? events.map(eventKey)),
        ...(traceparent === undefined ? {} : { [TRACEPARENT_ANNOTATION]: traceparent }),
      },
    },
  };
}
