/**
 * Moves contents of held events between a sensor's workflow and its bus, and starts the runs of such events. The
 * contents go from the bus into the run: the sensor's own history never contains them a second time.
 */
import { Context } from '@temporalio/activity';
import type { Bus } from '../../src/bus/bus';
import { eventKey, type CloudEvent } from '../../src/event/cloud-event';
import type { EventBusDefinition } from '../../src/contract/definitions';
import type { JoinedRun, RunStart } from '../../src/contract/run-start';
import type {
  ForgetContentsRequest,
  StartHeldRunsRequest,
  StartRunsRequest,
  StoreContentsRequest,
} from '../../src/contract/activities';
import { toApplicationFailure } from '../worker/failures';
import { concurrentlyAll } from '../../src/concurrency/concurrently';
import { startDecidedRun } from './start-decided-run';
import type { WorkerDependencies } from '../worker/worker-dependencies';

/** Starts in flight at a time: enough to keep Temporal busy. */
const CONCURRENT_STARTS = 32;
const CONCURRENT_LOADS = 4;

export function createHeldRunActivities({ buses }: WorkerDependencies) {
  const withBus = <Result>(bus: EventBusDefinition, work: (open: Bus) => Promise<Result>): Promise<Result> =>
    buses.use(bus, Context.current().cancellationSignal, work);
  return {
    async sluiceStoreContents({ bus, sensor, contents }: StoreContentsRequest): Promise<void> {
      await reporting(() => withBus(bus, (open) => open.storeHeld(sensor.namespace, sensor.name, contents)));
    },

    async sluiceForgetContents({ bus, sensor, names }: ForgetContentsRequest): Promise<void> {
      await reporting(() => withBus(bus, (open) => open.forgetHeld(sensor.namespace, sensor.name, names)));
    },

    async sluiceStartHeldRuns({ bus: definition, runs }: StartHeldRunsRequest): Promise<void> {
      await reporting(async () => {
        const { client, info } = Context.current();
        // Few at a time: each may hold a megabyte. A retry finds the runs that the first attempt started.
        await withBus(definition, (bus) =>
          concurrentlyAll(runs, CONCURRENT_LOADS, async (run) =>
            startDecidedRun(client.workflow, info.taskQueue, await load(bus, run)),
          ),
        );
      });
    },

    async sluiceStartRuns({ runs }: StartRunsRequest): Promise<void> {
      await reporting(async () => {
        const { client, info } = Context.current();
        await concurrentlyAll(runs, CONCURRENT_STARTS, (run) => startDecidedRun(client.workflow, info.taskQueue, run));
      });
    },
  };
}

/** Returns the run with the contents of its events or, if the bus lost one, a run that waits for an operator. */
async function load(bus: Bus, { stored = {}, ...run }: JoinedRun): Promise<RunStart> {
  const { namespace, name } = run.input.sensor;
  const recalled = await bus.recallHeld(namespace, name, Object.values(stored));
  const places = new Map(Object.keys(stored).map((index, at) => [Number(index), recalled[at]]));
  const lost = run.input.events.filter((head, index) => places.has(index) && !isOf(head, places.get(index)));
  const events = run.input.events.map((head, index) => (lost.includes(head) ? head : (places.get(index) ?? head)));
  if (lost.length === 0) return { ...run, input: { ...run.input, events } };
  const { parkedBecause } = run.input;
  const reason = `the bus lost the content that the sensor held of ${lost.map(eventKey).slice(0, 5).join(', ')}`;
  return {
    ...run,
    input: {
      ...run.input,
      events,
      contentMissing: 'gone',
      parkedBecause: parkedBecause === undefined ? reason : `${parkedBecause}; ${reason}`,
    },
  };
}

function isOf(head: CloudEvent, content: CloudEvent | undefined): boolean {
  return content !== undefined && eventKey(content) === eventKey(head);
}

async function reporting(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    throw toApplicationFailure(error);
  }
}
