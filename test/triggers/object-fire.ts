/** Fires of object triggers in tests: everything that a run would give, with short defaults. */
import type { JsonObject } from '../../src/event/json';
import type { SecretReader } from '../../src/kubernetes/secrets';
import type { KubernetesAccess } from '../../src/kubernetes/access';
import type { FireRequest, TriggerDependencies } from '../../src/triggers/trigger';
import { pino } from 'pino';
import { noYaml } from '../setup/yaml-reader';
import { sceneEvent } from '../kubernetes/cluster-fixture';

export type FireFields<Template> = Partial<FireRequest<Template>> & { template: Template };

export function createFire<Template>(
  namespace: string,
  resource: JsonObject,
  fields: FireFields<Template>,
): FireRequest<Template> {
  return {
    fireId: 'fire-1',
    namespace,
    sensorName: 'water-bodies',
    triggerName: 'detect',
    resource,
    events: { scene: sceneEvent() },
    signal: new AbortController().signal,
    ...fields,
  };
}

const noSecrets: SecretReader = {
  secret: () => Promise.reject(new Error('no secret is expected to be read')),
  configMap: () => Promise.reject(new Error('no ConfigMap is expected to be read')),
};

export function dependenciesFor(access: KubernetesAccess, secrets: SecretReader = noSecrets): TriggerDependencies {
  return { kubernetes: access, secrets, readYaml: noYaml, log: pino({ level: 'silent' }) };
}
