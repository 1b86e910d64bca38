/** The objects that a `resource` event source has seen: what a change is compared with. */
import { gunzipSync, gzipSync } from 'node:zlib';
import type { JsonValue } from '../event/json';
import type { KubernetesObject } from '../kubernetes/kubernetes-object';

export interface KnownObject {
  readonly version: string;
  readonly namespace: string;
  readonly name: string;
  /** Undefined if only the position tells of it. */
  readonly object?: KubernetesObject;
}

/** By uid. */
export type KnownObjects = Map<string, KnownObject>;

const MAX_UNPACKED_BYTES = 16 * 1024 * 1024;

export function knownObject(object: KubernetesObject): KnownObject {
  const { resourceVersion: version = '', namespace = '', name = '' } = object.metadata;
  return { version, namespace, name, object };
}

export function withoutObject({ version, namespace, name }: KnownObject): KnownObject {
  return { version, namespace, name };
}

/** Without the objects themselves. */
export function formatObjects(objects: KnownObjects): string {
  const rows = [...objects].map(([uid, { version, namespace, name }]) => [uid, version, namespace, name]);
  return gzipSync(JSON.stringify(rows)).toString('base64');
}

export function parseObjects(text: string): KnownObjects {
  const unpacked = gunzipSync(Buffer.from(text, 'base64'), { maxOutputLength: MAX_UNPACKED_BYTES });
  const rows: unknown = JSON.parse(unpacked.toString('utf8'));
  return new Map(
    (Array.isArray(rows) ? rows : []).flatMap((row: unknown) => {
      if (!Array.isArray(row)) return [];
      const [uid, version, namespace, name] = row.map(String);
      if (uid === undefined || version === undefined || namespace === undefined || name === undefined) return [];
      return [[uid, { version, namespace, name }] as const];
    }),
  );
}

/** Objects of the API server are JSON. */
export function objectAsJson(object: KubernetesObject): JsonValue {
  return JSON.parse(JSON.stringify(object)) as JsonValue;
}
