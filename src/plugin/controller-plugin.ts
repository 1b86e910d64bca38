/** The plugin of the worker role `controller`. Not exported: a worker of your own applies what it wants by the library. */
import { createControllerActivities, type ControllerOptions } from '../../activities/controller/keep-namespace';
import type { PluginActivities, WorkerDependencies } from '../../activities/worker/worker-dependencies';
import { SluicePlugin, type SluicePluginOptions } from './sluice-plugin';

export class ControllerPlugin extends SluicePlugin {
  constructor(private readonly settings: SluicePluginOptions & ControllerOptions) {
    super('sluice.ControllerPlugin', settings);
  }

  protected override createActivities(dependencies: WorkerDependencies): PluginActivities {
    return createControllerActivities(dependencies, this.settings);
  }
}
