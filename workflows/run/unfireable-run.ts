/** Runs that need an operator from the start. Pure. */
import type { FireFailure } from '../../src/contract/fires';
import type { SensorRunInput } from '../../src/contract/run-messages';

/** Returns why the run's fires must not start automatically; undefined if they may. */
export function unfitFromTheStart({
  parkedBecause: message,
  contentMissing,
}: Pick<SensorRunInput, 'parkedBecause' | 'contentMissing'>): FireFailure | undefined {
  if (message === undefined) return undefined;
  switch (contentMissing) {
    case 'gone':
      return { code: 'SENSOR_EVENTS_GONE', message, fix: `${DISCARD}${REPLAY}`, retryable: false };
    case 'too-large':
      return { code: 'BUS_EVENT_TOO_LARGE', message, fix: `${DISCARD}${TRANSFORM}${REPLAY}`, retryable: false };
    case undefined:
      return { code: 'SENSOR_EVENTS_INCOMPLETE', message, retryable: false };
  }
}

const DISCARD = 'Discard this run; ';
const TRANSFORM = 'transform the events to what the trigger needs; ';
const REPLAY = 'while the bus keeps the events, `sluice replay --again` delivers them again';
