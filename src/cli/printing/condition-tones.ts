import type { Condition } from '../../control/status/condition';
import type { Tone } from './style';

export const CONDITION_TONES: Readonly<Record<Condition['state'], Tone>> = {
  Ready: 'good',
  Connecting: 'warning',
  NotReady: 'bad',
  Stale: 'bad',
  Paused: 'warning',
  Failed: 'bad',
  NoWorker: 'bad',
  Gone: 'bad',
};
