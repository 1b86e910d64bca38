/** A worker process for the controller: `node dist/workers/controller.js`. Configured by environment, see settings.ts. */
import { createControllerRole } from './controller-role';
import { main } from './main';

main((settings, log) => [createControllerRole(settings, log)]);
