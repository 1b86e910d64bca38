/** Decision records about events that joined triggers held, for `sluice explain`. Pure. */
import { nameEvent, type DecisionRecord } from '../../records/decision-record';
import type { PurgeReason, StateNote } from './dependency-state-types';
import { eventOf, type RememberedEvent } from './held-contents';
import type { ObjectName } from '../../contract/definitions';
import type { RunStart } from '../../contract/run-start';

export function recordsOfNote({ namespace, name }: ObjectName, note: StateNote<RememberedEvent>): DecisionRecord[] {
  const reason = describeNote(note);
  if (reason === undefined) return [];
  const { source, subject } = eventOf(note.event);
  return [
    {
      at: new Date().toISOString(),
      eventKey: note.event.key,
      eventId: note.event.id,
      source,
      subject,
      namespace,
      sensor: name,
      decision: decisionOf(note.kind),
      dependency: note.dependency,
      ...('trigger' in note && { triggers: [note.trigger] }),
      reason,
    },
  ];
}

function decisionOf(kind: StateNote<RememberedEvent>['kind']): DecisionRecord['decision'] {
  switch (kind) {
    case 'held':
    case 'collected':
    case 'queued':
      return 'joined';
    case 'duplicate':
      return 'duplicate';
    case 'replaced':
    case 'reset':
    case 'purged':
    case 'unused':
      return 'discarded';
  }
}

const PURGE_REASONS: Readonly<Record<PurgeReason, string>> = {
  'trigger-removed': 'the trigger was removed from the sensor',
  'condition-changed': 'its condition was changed',
  'dependency-changed': 'the dependency was changed or removed',
  'correlation-changed': 'sluice.io/correlate-by was changed',
};

/** Undefined for notes that add nothing: what an event waits for is queried from the sensor, not recorded each time. */
function describeNote(note: StateNote<RememberedEvent>): string | undefined {
  switch (note.kind) {
    case 'held':
      return `waiting for ${note.waitingFor.join(', ')}`;
    case 'replaced':
      return `replaced by the later event ${note.by.key}`;
    case 'reset':
      return `forgotten at the conditions reset of ${new Date(note.resetAt).toISOString()}`;
    case 'purged':
      return `dropped, because ${PURGE_REASONS[note.reason]} while trigger ${note.trigger} held the event`;
    case 'duplicate':
      return 'was already accepted for this dependency';
    case 'collected':
    case 'queued':
    case 'unused':
      return undefined;
  }
}

/** Records the run for each of its events: the run itself is deleted earlier than decision records are. */
export function recordsOfRun({ workflowId, input }: RunStart): DecisionRecord[] {
  const at = new Date().toISOString();
  const { namespace, name } = input.sensor;
  return input.events.map((event, index) => ({
    at,
    ...nameEvent(event),
    namespace,
    sensor: name,
    decision: 'fired',
    triggers: [
      ...new Set(
        input.fires
          .filter(({ dependencies }) => Object.values(dependencies).some((indexes) => indexes.includes(index)))
          .map(({ trigger }) => trigger),
      ),
    ],
    runId: workflowId,
  }));
}
