import type { CloudEvent } from '../../src/event/cloud-event';

/** One trigger that a single event satisfied. */
export interface DirectFire {
  readonly id: string;
  readonly trigger: string;
  readonly dependency: string;
  /** The event after the dependency's transform. */
  readonly event: CloudEvent;
  /** 1 (first) to 5 (last). */
  readonly priority: number;
}
