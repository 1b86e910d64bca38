/** W3C trace context as text, the way it travels on events and created objects. */
import { createHash } from 'node:crypto';
import { TraceFlags, type SpanContext } from '@opentelemetry/api';

/** `00-<trace id>-<parent id>-<flags>`. */
const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;

/** Returns undefined for anything else: passed on, it would break its reader's trace. */
export function parseTraceparent(text: string | undefined): SpanContext | undefined {
  const [, version, traceId = '', spanId = '', flags = ''] = TRACEPARENT.exec(text ?? '') ?? [];
  if (version === undefined || version === 'ff' || /^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined;
  return { traceId, spanId, traceFlags: parseInt(flags, 16) & TraceFlags.SAMPLED, isRemote: true };
}

/**
 * Returns the trace context that the producer sent: beside the event, as a header or field, else inside it if it is
 * itself a CloudEvent (the `traceparent` of CloudEvents' distributed tracing extension).
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
 * Derives the trace of an event that carries none, because its relay does not trace: from the event's key alone, so
 * that it is the same on every worker and at every step.
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
