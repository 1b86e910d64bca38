import type { CloudEvent } from '../../src/event/cloud-event';

/** One trigger that one event satisfied on its own. */
export interface DirectFire {
  readonly id: string;
  readonly trigger: string;
  readonly dependency: string;
  /** As the dependency's transform left it. */
  readonly event: CloudEvent;
}
