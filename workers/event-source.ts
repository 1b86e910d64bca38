/** A worker process for event sources: `node dist/workers/event-source.js`. Configured by environment, see settings.ts. */
import { EventSourcePlugin } from '../src/plugin/event-source-plugin';
import { main } from './main';

main((settings, log) => [{ taskQueue: settings.eventSourceTaskQueue, plugin: new EventSourcePlugin({ log }) }]);
