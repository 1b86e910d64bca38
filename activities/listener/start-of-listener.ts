/** Where a listener begins if its sensor never listened. Pure. */
import type { StartFrom } from '../../src/bus/bus';
import { eventPath } from '../../src/bus/event-path';
import type { ListenRequest } from '../../src/contract/activities';
import { argoSubscriptions } from '../../src/sandbox/sensor/argo-subscriptions';

export function startOfListener({ definition, appliedAt }: Pick<ListenRequest, 'definition' | 'appliedAt'>): StartFrom {
  const { startFrom } = definition.options;
  switch (startFrom.kind) {
    case 'new':
      // Everything since the sensor was applied, including events before its first listener was up.
      return { kind: 'time', time: appliedAt };
    case 'argo-events':
      return {
        kind: 'argo-events',
        subscriptions: argoSubscriptions(definition.spec).map(
          ({ trigger, dependency, eventSourceName, eventName }) => ({
            ...{ trigger, dependency, path: eventPath(eventSourceName, eventName) },
          }),
        ),
        otherwise: appliedAt,
      };
    case 'all':
    case 'time':
      return startFrom;
  }
}
