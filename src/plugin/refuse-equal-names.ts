/**
 * A webpack plugin that checks a finished bundle for workflows of the owner whose names equal ours. Without it such a
 * worker would start and then fail every workflow task.
 */
import type { BundleOptions } from '@temporalio/worker';
import { SluiceError } from '../errors/sluice-error';

type WebpackConfiguration = Parameters<NonNullable<BundleOptions['webpackConfigHook']>>[0];
type WebpackPlugin = NonNullable<WebpackConfiguration['plugins']>[number];

export interface CombinedEntry {
  readonly path: string;
  readonly owners: string;
  readonly ours: string;
}

/** Fails the bundle with a SluiceError PLUGIN_MISUSED that names the workflows. */
export function refuseEqualNames(entry: CombinedEntry): WebpackPlugin {
  return {
    apply(compiler) {
      compiler.hooks.afterCompile.tapPromise('sluice', (compilation) => {
        const { moduleGraph } = compilation;
        const combined = [...compilation.modules].find((module) => module.nameForCondition() === entry.path);
        if (combined === undefined) return Promise.resolve();
        const imported = new Map<unknown, ReturnType<typeof moduleGraph.getModule>>();
        for (const dependency of combined.dependencies) {
          if ('request' in dependency) imported.set(dependency.request, moduleGraph.getModule(dependency));
        }
        const owners = imported.get(entry.owners);
        const ours = imported.get(entry.ours);
        if (!owners || !ours) return Promise.resolve();
        const provided = moduleGraph.getProvidedExports(owners);
        const names = moduleGraph.getProvidedExports(ours);
        // An array only if webpack can determine it; the entry itself checks again when it is loaded.
        if (!Array.isArray(provided) || !Array.isArray(names)) return Promise.resolve();
        const ourFolder = ours.nameForCondition()?.replace(/index\.[jt]s$/, '') ?? entry.ours;
        const clashes = provided.filter((name) => {
          const target = moduleGraph.getExportInfo(owners, name).getTarget(moduleGraph);
          // The owner may export our workflows on purpose, as documented.
          return (
            names.includes(name) && name !== '__esModule' && !target?.module.nameForCondition()?.startsWith(ourFolder)
          );
        });
        if (clashes.length === 0) return Promise.resolve();
        return Promise.reject(
          new SluiceError('PLUGIN_MISUSED', {
            message: `${entry.owners} has workflows with names reserved by Sluice: ${clashes.join(', ')}`,
            fix: 'Rename yours',
          }),
        );
      });
    },
  };
}
