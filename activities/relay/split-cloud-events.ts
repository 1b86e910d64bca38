/** Annotation `sluice.io/split: cloudevents`: each event of a batch in the JSON format of CloudEvents 1.0 is one here. Pure. */
import { isJsonObject } from '../../src/event/json';
import { elementsOf, isJsonText, valueOf, type JsonDocument } from '../../src/event/json-text';
import type { Delivery } from '../../src/sources/source';
import { splitDelivery, type Bodies } from './split-delivery';

/** Never throws. Payloads that are no batch are left as they are. */
export function splitCloudEvents(delivery: Delivery): Delivery {
  return splitDelivery(delivery, findBatch);
}

function findBatch(document: JsonDocument): Bodies | undefined {
  const all = isJsonText(document) ? elementsOf(document) : Array.isArray(document) ? document : [];
  const bodies = all.filter(isCloudEvent);
  return bodies.length === 0 ? undefined : { bodies, others: all.length - bodies.length, expected: 'CloudEvents' };
}

function isCloudEvent(document: JsonDocument): boolean {
  const value = valueOf(document);
  return isJsonObject(value) && typeof value['specversion'] === 'string';
}
