import { planMigration } from '../../src/migration/plan';
import { parseSensor } from '../../src/validation/parse-manifest';

const sensor = parseSensor({
  apiVersion: 'argoproj.io/v1alpha1',
  kind: 'Sensor',
  metadata: { name: 'scenes' },
  spec: {
    template: { serviceAccountName: 'operate-workflow-sa' },
    dependencies: [{ name: 'item', eventSourceName: 'stac', eventName: 'items' }],
    triggers: [{ template: { name: 'note', log: {} } }],
  },
});

describe('the plan of a migration', () => {
  it('installs Sluice with the right to act as the accounts that Sensors name', () => {
    const { steps, cautions } = planMigration(
      {
        objects: [
          {
            ...{ kind: 'Sensor', namespace: 'argo', name: 'scenes', verdict: 'same', runsIn: 'argo-events' },
            ...{ problems: [], manifest: { ...sensor, origin: { file: '', line: 1 } } },
          },
        ],
        ...{ buses: [], services: [], controllers: [], unreadable: [] },
      },
      { sluiceClass: 'sluice' },
    );
    expect(steps[0]?.run.join()).toContain('--set "sensor.triggerServiceAccounts={operate-workflow-sa}"');
    expect(cautions).toEqual([
      expect.stringContaining('takes events of EventSource stac, which does not move'),
      expect.stringContaining('No controller of Argo Events was found'),
    ]);
  });
});
