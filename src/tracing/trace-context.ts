/** W3C trace context as text, the way it travels on events and created objects. */
import { createHash } from 'node:crypto';
import { TraceFlags, type SpanContext } from '@opentelemetry/api';

/** `00-<trace id>-<parent id>-<flags>`. */
const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;

/** Undefined for anything else: passed on, it would break the trace of whoever reads it. */
export function parseTraceparent(text: string | undefined): SpanContext | undefined {
  const [, version, traceId = '', spanId = '', flags = ''] = TRACEPARENT.exec(text ?? '') ?? [];
  if (version === undefined || version === 'ff' || /^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined;
  return { traceId, spanId, traceFlags: parseInt(flags, 16) & TraceFlags.SAMPLED, isRemote: true };
}

/**
 * What the producer of an event sent along: beside it, as a header or field, else inside it where it is a CloudEvent
 * of its own (the `traceparent` of CloudEvents' distributed tracing extension).
 */
export function findTraceparent(beside: string | undefined, document: unknown): string | undefined {
  const inside =
    typeof document === 'object' && document !== null && 'specversion' in document && 'traceparent' in document
      ? document.traceparent
      : undefined;
  return [beside, inside].find(
    (text): text is string => typeof text === 'string' && parseTraceparent(text) !== undefined,
  );
}

export function formatTraceparent({ traceId, spanId, traceFlags }: SpanContext): string {
  return `00-${traceId}-${spanId}-${(traceFlags & TraceFlags.SAMPLED).toString(16).padStart(2, '0')}`;
}

/**
 * The trace of an event that carries none, because its relay does not trace: the same on every worker and at every
 * step, made from nothing but the event's key.
 */
export function deriveTraceContext(eventKey: string): SpanContext {
  const digest = createHash('sha256').update(eventKey).digest('hex');
  return {
    traceId: digest.slice(0, 32),
    spanId: digest.slice(32, 48),
    traceFlags: TraceFlags.SAMPLED,
    isRemote: true,
  };
}
