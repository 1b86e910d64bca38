/**
 * Our own options: `sluice.io/*` annotations on Sensor and EventSource, so that manifests stay valid for Argo Events.
 *
 * The tables below are the one description: parsing, messages, JSON Schema and docs/manifests.md come from them.
 */
import { z } from 'zod';
import { parseDurationMs } from './durations';

export const ANNOTATION_PREFIX = 'sluice.io/';

/** Where reading starts when nothing was read before. */
export type StartFrom =
  { readonly kind: 'new' } | { readonly kind: 'all' } | { readonly kind: 'time'; readonly time: string };

/** The same for a Redis stream, which knows entry ids (`1647495121754-0`) instead of times. */
export type StreamStart =
  { readonly kind: 'new' } | { readonly kind: 'all' } | { readonly kind: 'id'; readonly id: string };

/** Streams that the outcome of Argo Workflows is written to. */
export interface OutcomeStreams {
  readonly success?: string;
  readonly failure?: string;
}

/** How the fires of one trigger are collected and spaced. */
export interface TriggerFlow {
  /** Fires at work at the same time, per key of `concurrencyKey`, or in all without one. */
  readonly concurrency?: number;
  /** Data path (gjson). */
  readonly concurrencyKey?: string;
  /** Fire only after this long without a further event. */
  readonly debounceMs?: number;
  /** But at the latest this long after the first one. */
  readonly debounceMaxMs?: number;
  /** Fire once with this many events. */
  readonly batchSize?: number;
  /** Fire with what there is this long after the first event of a batch. */
  readonly batchWindowMs?: number;
}

/** Options of a Sensor. Plain JSON: it goes into workflow arguments. */
export interface SensorOptions {
  /** `listen` activities over the same consumer; default 1. */
  readonly listeners: number;
  /** Fires that one run carries at most; default 100. */
  readonly runBatch: number;
  readonly startFrom: StartFrom;
  /** With several dependencies: the latest event of each, or every event in its turn. */
  readonly keep: 'latest' | 'all';
  /** Data path (gjson): only events with the same value are joined. */
  readonly correlateBy?: string;
  /** A half pair older than this is parked. Only with `correlateBy`. */
  readonly correlateWindowMs?: number;
  /** How long a parked run waits for a person; default seven days. */
  readonly parkForMs: number;
  readonly decisions: 'all' | 'problems' | 'off';
  /** Whether runs wait for the end of the Argo Workflow; default true. */
  readonly followOutcome: boolean;
  /** host:port of the Redis that outcomes are written to. */
  readonly outcomeRedis?: string;
  readonly outcomeStreams?: OutcomeStreams;
  /** For every trigger that has none of its own. */
  readonly flow: TriggerFlow;
  /** Trigger name → its own settings, each replacing the one in `flow`. */
  readonly triggerFlows: Readonly<Record<string, TriggerFlow>>;
}

/** Options of an EventSource. Plain JSON. */
export interface EventSourceOptions {
  /** Redis streams only: where a new consumer group starts; default all. */
  readonly startFrom: StreamStart;
  /** Events that were read and are not yet acknowledged, per event name; default 1000. */
  readonly maxInFlight: number;
  /** Data path (gjson) whose value is the event's id, instead of the derived one. */
  readonly idFrom?: string;
  /** Data path (gjson) of a link to a JSON document (a STAC item) that is fetched and put into the event. */
  readonly hydrate?: string;
}
