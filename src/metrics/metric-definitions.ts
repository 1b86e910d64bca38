/**
 * All metrics that Sluice exports, with their labels. Metrics that Argo Events has keep its names and labels; a test
 * checks the dashboard, the alert rules and docs/metrics.md against this table. Label values come only from manifests,
 * never from an event id, an object name or a message.
 */

export interface MetricDefinition {
  readonly kind: 'counter' | 'gauge' | 'histogram';
  readonly labels: readonly string[];
  readonly help: string;
  /** Upper bounds, for histograms. */
  readonly buckets?: readonly number[];
}

const SOURCE = ['namespace', 'eventsource_name', 'event_name'] as const;
const SENSOR = ['namespace', 'sensor_name'] as const;
const WORKER = ['task_queue'] as const;
const TRIGGER = ['namespace', 'sensor_name', 'trigger_name'] as const;

const MILLISECONDS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 30_000, 60_000];
const SECONDS = [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 300, 1_800, 3_600, 21_600, 86_400];

export const METRICS = {
  argo_events_event_service_running_total: {
    kind: 'gauge',
    labels: ['namespace', 'eventsource_name'],
    help: 'Event names of an event source that this worker is reading',
  },
  argo_events_events_sent_total: {
    kind: 'counter',
    labels: SOURCE,
    help: 'Events that the event bus has confirmed, duplicates included',
  },
  argo_events_events_sent_failed_total: {
    kind: 'counter',
    labels: SOURCE,
    help: 'Failed publishes: the event bus did not confirm within 10 s, the event was returned to its source, or it is too large',
  },
  argo_events_events_processing_failed_total: {
    kind: 'counter',
    labels: SOURCE,
    help: 'Events that failed between being read and being published, for any reason',
  },
  argo_events_event_processing_duration_milliseconds: {
    kind: 'histogram',
    labels: SOURCE,
    help: 'Time from reading an event until the event bus has it',
    buckets: MILLISECONDS,
  },
  argo_events_action_triggered_total: {
    kind: 'counter',
    labels: TRIGGER,
    help: 'Fires that succeeded',
  },
  argo_events_action_failed_total: {
    kind: 'counter',
    labels: TRIGGER,
    help: 'Attempts to fire that failed',
  },
  argo_events_action_retries_failed_total: {
    kind: 'counter',
    labels: TRIGGER,
    help: 'Fires that failed permanently: their attempts are used up, or the failure is permanent',
  },
  argo_events_action_duration_milliseconds: {
    kind: 'histogram',
    labels: TRIGGER,
    help: 'Duration of one attempt to fire',
    buckets: MILLISECONDS,
  },
  sluice_source_connected: {
    kind: 'gauge',
    labels: SOURCE,
    help: '1 while the event source is connected to the system that it reads, else 0; NaN once this worker no longer reads it',
  },
  sluice_source_backlog: {
    kind: 'gauge',
    labels: SOURCE,
    help: 'Entries outside that are not on the event bus yet, also while the event source is paused; Redis streams only',
  },
  sluice_events_duplicate_total: {
    kind: 'counter',
    labels: SOURCE,
    help: 'Events sent that the event bus already had',
  },
  sluice_events_filtered_total: {
    kind: 'counter',
    labels: SOURCE,
    help: "Events that the event source's own filter rejected",
  },
  sluice_events_rejected_total: {
    kind: 'counter',
    labels: SOURCE,
    help: 'Messages that could not become an event: unreadable, or too large for the event bus',
  },
  sluice_hydrations_total: {
    kind: 'counter',
    labels: SOURCE,
    help: 'STAC items that were fetched by the link in their event',
  },
  sluice_hydrations_failed_total: {
    kind: 'counter',
    labels: SOURCE,
    help: 'Events that went on without the STAC item that they link to, because it could not be fetched',
  },
  sluice_quota_wait_milliseconds_total: {
    kind: 'counter',
    labels: SOURCE,
    help: 'Milliseconds that reading waited because its namespace had used its quota (SLUICE_EVENTS_PER_SECOND)',
  },
  sluice_source_unauthorized_total: {
    kind: 'counter',
    labels: SOURCE,
    help: 'Requests of hooks that were refused because their token or signature is missing or wrong',
  },
  sluice_source_dropped_total: {
    kind: 'counter',
    labels: SOURCE,
    help: 'Events lost because the transport keeps nothing and the event bus was unavailable for too long',
  },
  sluice_decisions_total: {
    kind: 'counter',
    labels: ['namespace', 'sensor_name', 'decision'],
    help: 'Decisions of a sensor: fired, joined, unmatched, filtered, failed or duplicate, for each dependency of an event',
  },
  sluice_sensor_connected: {
    kind: 'gauge',
    labels: SENSOR,
    help: '1 while the sensor listens on its event bus, 0 while it cannot; NaN once this worker no longer listens',
  },
  sluice_sensor_lag: {
    kind: 'gauge',
    labels: SENSOR,
    help: 'Events on the event bus that the sensor has not handled yet',
  },
  sluice_oldest_unhandled_event_age_seconds: {
    kind: 'gauge',
    labels: SENSOR,
    help: 'Age of the oldest event on the event bus that the sensor has not handled; 0 if there is none',
  },
  sluice_event_max_age_seconds: {
    kind: 'gauge',
    labels: SENSOR,
    help: 'How long the event bus keeps an event that the sensor has not handled; 0 if it is kept until handled',
  },
  sluice_events_expired_total: {
    kind: 'counter',
    labels: SENSOR,
    help: 'Events that the event bus removed before the sensor had handled them; a lower bound',
  },
  sluice_events_in_hand: {
    kind: 'gauge',
    labels: SENSOR,
    help: 'Pending events that listeners have pulled from the event bus',
  },
  sluice_sensor_stalled_seconds: {
    kind: 'gauge',
    labels: SENSOR,
    help: 'Time since listeners received events without acknowledging the oldest; 0 while there is progress or the sensor holds back',
  },
  sluice_runs_parked: {
    kind: 'gauge',
    labels: SENSOR,
    help: 'Runs that wait for an operator',
  },
  sluice_group_fires: {
    kind: 'gauge',
    labels: [...SENSOR, 'concurrency_group', 'state'],
    help: 'Fires of a sensor in a concurrency group, by state: in-flight or waiting',
  },
  sluice_group_limit: {
    kind: 'gauge',
    labels: [...SENSOR, 'concurrency_group'],
    help: 'Limit of a concurrency group, as the sensor states it',
  },
  sluice_outcomes_total: {
    kind: 'counter',
    labels: ['namespace', 'sensor_name', 'phase'],
    help: 'Outcomes of the Argo Workflows that the sensor created',
  },
  sluice_outcomes_refused_total: {
    kind: 'counter',
    labels: ['namespace', 'sensor_name'],
    help: 'Outcomes of Argo Workflows that could not be reported to their runs, because Temporal rejects them permanently',
  },
  sluice_event_to_fire_seconds: {
    kind: 'histogram',
    labels: TRIGGER,
    help: "Time from the event to its trigger's success; for joined events, from the latest",
    buckets: SECONDS,
  },
  sluice_controller_connected: {
    kind: 'gauge',
    labels: ['namespace'],
    help: 'For each namespace of the controller: 1 while it follows the objects there, 0 while it cannot',
  },
  sluice_objects: {
    kind: 'gauge',
    labels: ['namespace'],
    help: 'EventBus, EventSource and Sensor objects that the controller keeps applied',
  },
  sluice_objects_not_applied: {
    kind: 'gauge',
    labels: ['namespace'],
    help: 'Objects whose current version is not applied: invalid, waiting for their bus, or failing',
  },
  sluice_manifests_applied: {
    kind: 'gauge',
    labels: [],
    help: '1 while the manifests in the folder SLUICE_MANIFESTS are applied as they are, 0 while they are not',
  },
  sluice_worker_long_activities: {
    kind: 'gauge',
    labels: WORKER,
    help: 'Readers, listeners and outcome watches that this worker runs: each holds an activity slot until it is deleted',
  },
  sluice_worker_long_activities_limit: {
    kind: 'gauge',
    labels: WORKER,
    help: 'Limit of the readers, listeners and outcome watches of this worker',
  },
  sluice_worker_workflow_slots_free: {
    kind: 'gauge',
    labels: WORKER,
    help: 'Slots for workflow tasks that are not in use',
  },
  sluice_worker_unhandled_errors_total: {
    kind: 'counter',
    labels: ['module'],
    help: 'Unhandled errors by the package that raised them; the worker continues',
  },
  sluice_worker_event_loop_blocks_total: {
    kind: 'counter',
    labels: ['stage'],
    help: 'Times that the event loop of this worker was blocked for more than 250 ms, by stage',
  },
} as const satisfies Readonly<Record<string, MetricDefinition>>;

type Definitions = typeof METRICS;
export type MetricName = keyof Definitions;

export type MetricOf<Kind extends MetricDefinition['kind']> = {
  [Name in MetricName]: Definitions[Name]['kind'] extends Kind ? Name : never;
}[MetricName];

export type LabelsOf<Name extends MetricName> = Readonly<Record<Definitions[Name]['labels'][number], string>>;

/**
 * For `Runtime.install({ telemetryOptions: { metrics: { prometheus: { bindAddress, histogramBucketOverrides } } } })`
 * of your own worker: otherwise Temporal's buckets are used, which end at 10.
 */
export const METRIC_BUCKETS: Record<string, number[]> = Object.fromEntries(
  Object.entries<MetricDefinition>(METRICS).flatMap(([name, { buckets }]) =>
    buckets === undefined ? [] : [[name, [...buckets]]],
  ),
);
