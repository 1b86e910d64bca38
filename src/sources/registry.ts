/** Every kind of event source that can be read, one line each, in alphabetical order. */
import { redisSource } from './redis';
import { redisStreamSource } from './redis-stream';
import type { SourceFactory } from './source';
import { webhookSource } from './webhook';

export const SOURCES = {
  redis: redisSource,
  redisStream: redisStreamSource,
  webhook: webhookSource,
} as const;

export type SourceKind = keyof typeof SOURCES;
export const SOURCE_KINDS = Object.keys(SOURCES) as SourceKind[];

/** Undefined for a kind of Argo Events that is not read here. The spec must have been validated as that kind's. */
export function findSource(kind: string): SourceFactory<unknown> | undefined {
  return SOURCE_KINDS.includes(kind as SourceKind) ? SOURCES[kind as SourceKind] : undefined;
}
