/** What every trigger test needs around the trigger: a request, secrets, a log that remembers. */
import { pino } from 'pino';
import type { SluiceError } from '../../src/errors/sluice-error';
import { isSluiceError } from '../../src/errors/sluice-error';
import { createKubernetesAccess } from '../../src/kubernetes/access';
import type { FireRequest, TriggerDependencies } from '../../src/triggers/trigger';
import { secretsFrom } from '../setup/secrets';
import { noYaml } from '../setup/yaml-reader';
import { cloudEvent } from '../setup/cloud-event';

export interface TriggerWorld extends TriggerDependencies {
  /** Parsed log lines, oldest first. */
  readonly lines: ReadonlyArray<Record<string, unknown>>;
}

export function createTriggerWorld(secrets: Readonly<Record<string, string>> = {}): TriggerWorld {
  const lines: Array<Record<string, unknown>> = [];
  const log = pino({ base: undefined }, { write: (line: string) => lines.push(JSON.parse(line) as never) });
  return { secrets: secretsFrom(secrets), kubernetes: createKubernetesAccess(), readYaml: noYaml, log, lines };
}

export const SCENE_EVENT = cloudEvent({
  ...{ id: '1c0ffee', subject: 'sentinel-2', time: '2026-01-02T03:04:05Z', data: { scene: 'S2A_10TFK' } },
});

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
