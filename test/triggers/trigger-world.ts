/** What every trigger test needs around the trigger: a request, secrets, a log that remembers. */
import { pino } from 'pino';
import type { CloudEvent } from '../../src/event/cloud-event';
import { SluiceError, isSluiceError } from '../../src/errors';
import { createKubernetesAccess } from '../../src/kubernetes/access';
import type { SecretReader } from '../../src/kubernetes/secrets';
import type { FireRequest, TriggerDependencies } from '../../src/triggers/trigger';

/** `{ 'name/key': value }`; Secrets and ConfigMaps share the table, which is all that these tests need. */
export function secretsFrom(values: Readonly<Record<string, string>>): SecretReader {
  const read = (_namespace: string, { name, key }: { name: string; key: string }) => {
    const value = values[`${name}/${key}`];
    return value === undefined
      ? Promise.reject(new SluiceError('SECRET_MISSING', { message: `no ${name}/${key}` }))
      : Promise.resolve(value);
  };
  return { secret: read, configMap: read };
}

export interface TriggerWorld extends TriggerDependencies {
  /** Parsed log lines, oldest first. */
  readonly lines: ReadonlyArray<Record<string, unknown>>;
}

export function createTriggerWorld(secrets: Readonly<Record<string, string>> = {}): TriggerWorld {
  const lines: Array<Record<string, unknown>> = [];
  const log = pino({ base: undefined }, { write: (line: string) => lines.push(JSON.parse(line) as never) });
  return { secrets: secretsFrom(secrets), kubernetes: createKubernetesAccess(), log, lines };
}

export const SCENE_EVENT: CloudEvent = {
  specversion: '1.0',
  id: '1c0ffee',
  source: 'stac',
  subject: 'sentinel-2',
  type: 'redisStream',
  time: '2026-01-02T03:04:05Z',
  datacontenttype: 'application/json',
  data: { scene: 'S2A_10TFK' },
};

export function fireRequest<Template>(
  template: Template,
  more: Partial<Omit<FireRequest<Template>, 'template'>> = {},
): FireRequest<Template> {
  return {
    fireId: 'fire-1',
    namespace: 'argo',
    sensorName: 'water-bodies',
    triggerName: 'notify',
    template,
    events: { scene: SCENE_EVENT },
    signal: new AbortController().signal,
    ...more,
  };
}

/** The SluiceError with which `work` fails. */
export async function failureOf(work: Promise<unknown>): Promise<SluiceError> {
  const error: unknown = await work.then(
    (value) => new Error(`did not fail but answered ${JSON.stringify(value)}`),
    (reason: unknown) => reason,
  );
  if (isSluiceError(error)) return error;
  throw error;
}
