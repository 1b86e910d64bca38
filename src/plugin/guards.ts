/** What would go wrong silently when a plugin is added carelessly. */
import { SluiceError } from '../errors/sluice-error';

/**
 * The SDK runs a plugin twice that is given to the connection and to the worker: two of everything, on one name.
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
 * On equal names the SDK lets the plugin's activity win without a word.
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
