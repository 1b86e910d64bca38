/** The state of each event of an event source. Pure. */
import type { BacklogReport, EventSourceStatus } from '../../contract/event-source-messages';
import type { SourceEvent } from '../../contract/source-events';

export type EventState = EventSourceStatus['events'][number];

/** Event name → the problem that an operator must fix before the event is read again. */
export type EventFailures = Readonly<Record<string, string>>;

export class EventStates {
  private states = new Map<string, EventState>();

  /** Forgets earlier states. `failures`: of these events, as far as they are to be kept. */
  begin(
    events: readonly SourceEvent[],
    isPaused: boolean,
    failures: EventFailures,
    isRead: (kind: string) => boolean,
  ): void {
    this.states = new Map(
      events.map((event) => [
        event.name,
        isRead(event.kind)
          ? firstState(event, isPaused, failures[event.name])
          : { ...event, state: 'NotSupported' as const },
      ]),
    );
  }

  /** In the order of the manifest. */
  all(): readonly EventState[] {
    return [...this.states.values()];
  }

  reading({ name, kind }: SourceEvent): void {
    this.states.set(name, { name, kind, state: 'Reading' });
  }

  failed({ name, kind }: SourceEvent, problem: string): void {
    this.states.set(name, { name, kind, state: 'Failed', problem });
  }

  /** Ignores the report if the source was resumed after it was sent. */
  backlog({ eventName, backlog }: BacklogReport): void {
    const event = this.states.get(eventName);
    if (event?.state === 'Paused') this.states.set(eventName, { ...event, backlog });
  }

  hasFailed(): boolean {
    return this.all().some(({ state }) => state === 'Failed');
  }

  failures(): EventFailures {
    const failed = this.all().filter(({ state }) => state === 'Failed');
    return Object.fromEntries(failed.map(({ name, problem = '' }) => [name, problem]));
  }
}

function firstState(event: SourceEvent, isPaused: boolean, problem: string | undefined): EventState {
  if (isPaused) return { ...event, state: 'Paused' };
  return problem === undefined ? { ...event, state: 'Reading' } : { ...event, state: 'Failed', problem };
}
