/**
 * The places of one concurrency group. Sensors report what they have and want, and are told what they get; at rest it
 * costs nothing. It ends when the last sensor has left it, and the next report starts it again.
 */
import {
  allHandlersFinished,
  condition,
  continueAsNew,
  getExternalWorkflowHandle,
  log,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { SensorActivities } from '../../src/contract/activities';
import {
  groupPlacesSignal,
  groupStatusQuery,
  shareSignal,
  type GroupStart,
  type GroupStatus,
} from '../../src/contract/group-messages';
import { sensorWorkflowId } from '../../src/contract/identity';
import { GroupState, type CarriedGroup, type SensorNews } from '../../src/sandbox/concurrency-group/group-state';
import { REPEATABLE } from '../lifecycle/activity-options';
import { isSensorShare } from '../lifecycle/signal-guards';
import { describeGroup } from './group-details';

export interface GroupInput extends GroupStart {
  /** Carried over by continue-as-new. */
  readonly carried?: CarriedGroup;
}

const activities = proxyActivities<SensorActivities>({ ...REPEATABLE, retry: { maximumInterval: '30s' } });

/** Looks for places that nobody returned only while somebody waits for one: soon at first, then more rarely. */
const FIRST_LOOK_MS = 10_000;
const LOOK_EVERY_MS = 120_000;
/** While nobody waits, but a deleted sensor has left runs behind. */
const LOOK_AT_REST_MS = 600_000;

export async function concurrencyGroup(input: GroupInput): Promise<void> {
  await new Group(input).run();
}

class Group {
  private readonly state: GroupState;
  private pauseMs = FIRST_LOOK_MS;
  private refusal: string | undefined;

  constructor(private readonly input: GroupInput) {
    this.state = new GroupState(input.carried);
    setHandler(groupStatusQuery, () => this.status(), { description: 'Who has places, and who waits' });
    setHandler(
      shareSignal,
      (share) => {
        if (isSensorShare(share)) this.state.report(share, Date.now());
        else this.refusal = 'share: it is not a message of a sensor';
        this.show();
      },
      { description: 'Sent by sensors: the places that they have and want' },
    );
  }

  async run(): Promise<void> {
    for (;;) {
      await Promise.all(this.state.takeNews().map((news) => this.tell(news)));
      this.show();
      if (this.state.hasNews()) continue;
      if (this.state.isEmpty()) {
        await condition(allHandlersFinished);
        if (this.state.isEmpty()) return;
      }
      if (workflowInfo().continueAsNewSuggested) {
        const { namespace, name } = this.input;
        await continueAsNew<typeof concurrencyGroup>({ namespace, name, carried: this.state.carry() });
      }
      await this.wait();
    }
  }

  private async wait(): Promise<void> {
    const changed = (): boolean =>
      this.state.hasNews() || this.state.isEmpty() || workflowInfo().continueAsNewSuggested;
    const isQueueing = this.state.isQueueing();
    if (!isQueueing) this.pauseMs = FIRST_LOOK_MS;
    if (!isQueueing && !this.state.hasLeftBehind()) {
      await condition(() => changed() || this.state.isQueueing() || this.state.hasLeftBehind());
      return;
    }
    const pause = isQueueing ? this.pauseMs : LOOK_AT_REST_MS;
    const why = 'looks for places that nobody returned';
    if (await condition(() => changed() || this.state.isQueueing() !== isQueueing, pause, { summary: why })) return;
    this.pauseMs = Math.min(this.pauseMs * 2, LOOK_EVERY_MS);
    const { namespace } = this.input;
    const lost = await activities.sluiceFindLostPlaces.executeWithOptions({ summary: why }, [
      { namespace, places: this.state.placesInUse(), sensors: this.state.sensors() },
    ]);
    if (lost.places.length + lost.sensors.length > 0) log.warn('places were not returned', { ...lost });
    this.state.lose(lost, Date.now());
  }

  private async tell({ sensor, ...news }: SensorNews): Promise<void> {
    const { namespace, name } = this.input;
    try {
      await getExternalWorkflowHandle(sensorWorkflowId(namespace, sensor)).signal(groupPlacesSignal, {
        group: name,
        ...news,
      });
    } catch (error) {
      log.info('the sensor is gone, and so is its turn', { sensor, error });
      this.state.sensorGone(sensor, Date.now(), news.epoch);
    }
  }

  private show(): void {
    setCurrentDetails(describeGroup(this.status(), this.refusal));
  }

  private status(): GroupStatus {
    const { namespace, name } = this.input;
    return { namespace, name, ...this.state.status() };
  }
}
