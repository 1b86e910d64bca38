import { fireAdvice } from '../../src/control/runs/read-fires';
import type { FireStatus } from '../../src/contract/fires';

it('gives the advice for a run once, however many fires need it', () => {
  const failed = (id: string, fix?: string): FireStatus => ({
    ...{ id, trigger: 'detect', events: [], state: 'Parked', attempts: 1 },
    failure: { code: 'KUBERNETES_REFUSED', message: 'refused', retryable: false, ...(fix && { fix }) },
  });
  expect(fireAdvice([failed('a', 'Raise the quota'), failed('b', 'Raise the quota'), failed('c')])).toEqual([
    'Raise the quota',
  ]);
});
