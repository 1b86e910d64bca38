/** Rejects misuse of a plugin that would otherwise fail silently. */
import { SluiceError } from '../errors/sluice-error';

/**
 * A plugin passed to both the connection and the worker runs twice: two of everything, under one name.
 * @throws SluiceError PLUGIN_MISUSED
 */
export function refuseTwice(name: string, plugins: ReadonlyArray<{ readonly name: string }> | undefined): void {
  const times = plugins?.filter((plugin) => plugin.name === name).length ?? 0;
  if (times <= 1) return;
  throw new SluiceError('PLUGIN_MISUSED', {
    message: `${name} is applied ${times} times to one worker`,
    fix: 'Pass it once: in Worker.create({ plugins }) or in NativeConnection.connect({ plugins }), not in both',
  });
}

/**
 * If names are equal, the SDK silently prefers the plugin's activity.
 * @throws SluiceError PLUGIN_MISUSED
 */
export function refuseClash(name: string, existing: object | undefined, ours: object): void {
  const clashes = Object.keys(ours).filter((activity) => existing !== undefined && activity in existing);
  if (clashes.length === 0) return;
  throw new SluiceError('PLUGIN_MISUSED', {
    message: `${name}: the worker already has activities named ${clashes.join(', ')}`,
    fix: 'Rename your activities; names that begin with "sluice" are ours',
  });
}
