/** Whose rights triggers have in the cluster: see docs/decisions/190-triggers-act-as-the-sensors-account.md. */
import { SluiceError } from '../errors/sluice-error';

/** `sensor`: those of the account that the Sensor names; `worker`: those of the worker, always. */
export type TriggerIdentity = 'sensor' | 'worker';

const VARIABLE = 'SLUICE_TRIGGER_IDENTITY';

/** @throws SluiceError USAGE for any other value */
export function readTriggerIdentity(env: NodeJS.ProcessEnv): TriggerIdentity {
  const text = env[VARIABLE] || 'sensor';
  if (text === 'sensor' || text === 'worker') return text;
  throw new SluiceError('USAGE', {
    message: `${VARIABLE}="${text}": expected sensor or worker`,
    fix: 'Unset it to let triggers act as the service account of their Sensor',
  });
}
