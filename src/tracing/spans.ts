/**
 * Spans of the steps of an event. Uses only `@opentelemetry/api`: without an SDK in the process, neither spans nor
 * their attributes are created. Parents are passed explicitly, because an event's steps run in different workers.
 */
import {
  ProxyTracerProvider,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  type Attributes,
  type Span,
  type SpanContext,
} from '@opentelemetry/api';
import { describeError } from '../errors/sluice-error';
import { eventKey, type CloudEvent } from '../event/cloud-event';
import { deriveTraceContext, formatTraceparent, parseTraceparent } from './trace-context';

const TRACER_NAME = 'sluice';

export type Step = 'relay' | 'decide' | 'fire' | 'outcome';

export interface SpanStart {
  /** Undefined: a new trace begins here. */
  readonly parent: SpanContext | undefined;
  readonly attributes: Attributes;
  readonly links?: readonly SpanContext[];
  /** Milliseconds since the epoch; default now. */
  readonly startTime?: number;
}

const KINDS: Readonly<Record<Step, SpanKind>> = {
  relay: SpanKind.PRODUCER,
  decide: SpanKind.CONSUMER,
  fire: SpanKind.CLIENT,
  outcome: SpanKind.INTERNAL,
};

/** Returns false if no tracer provider is registered: check before work that only serves a span. */
export function isTracing(): boolean {
  const provider = trace.getTracerProvider();
  return !(provider instanceof ProxyTracerProvider) || provider.getDelegateTracer(TRACER_NAME) !== undefined;
}

export function startSpan(step: Step, { parent, attributes, links = [], startTime }: SpanStart): Span {
  const context = parent === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, parent);
  return trace.getTracer(TRACER_NAME).startSpan(
    step,
    {
      kind: KINDS[step],
      attributes,
      links: links.map((linked) => ({ context: linked })),
      ...(startTime === undefined ? {} : { startTime }),
    },
    context,
  );
}

/** Returns the span context to which the steps after the relay belong. */
export function traceOf(event: CloudEvent): SpanContext {
  return parseTraceparent(event.traceparent) ?? deriveTraceContext(eventKey(event));
}

/** Returns the event as later steps see it: their spans become children of this one. */
export function withSpan(event: CloudEvent, span: Span): CloudEvent {
  return { ...event, traceparent: formatTraceparent(span.spanContext()) };
}

/** Returns attributes named by OpenTelemetry's conventions for CloudEvents. */
export function describeEvent(event: CloudEvent): Attributes {
  return {
    'cloudevents.event_id': event.id,
    'cloudevents.event_source': event.source,
    'cloudevents.event_subject': event.subject,
    'cloudevents.event_type': event.type,
  };
}

/** `endTime`: milliseconds since the epoch, default now. */
export function endFailed(span: Span, error: unknown, endTime?: number): void {
  const message = typeof error === 'string' ? error : describeError(error);
  span.setStatus({ code: SpanStatusCode.ERROR, message });
  span.end(endTime);
}
