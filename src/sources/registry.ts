/** Every kind of event source that can be read, one line each, in alphabetical order. */
import { redisSource } from './redis';
import { redisStreamSource } from './redis-stream';
import type { SourceFactory } from './source';
import { webhookSource } from './webhook';

export const sources = {
  redis: redisSource,
  redisStream: redisStreamSource,
  webhook: webhookSource,
} as const;

export type SourceKind = keyof typeof sources;

/** Undefined for a kind of Argo Events that is not read here. The spec must have been validated as that kind's. */
export function findSource(kind: string): SourceFactory<unknown> | undefined {
  return isSourceKind(kind) ? sources[kind] : undefined;
}

export function isSourceKind(kind: string): kind is SourceKind {
  return Object.hasOwn(sources, kind);
}
