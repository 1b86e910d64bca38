/** A trigger as runs carry it, with the account that its Sensor names. Pure. */
import type { SensorSpec, TriggerSpec } from '../manifest/sensor';

export type RunTrigger = TriggerSpec & {
  /**
   * ServiceAccount of the sensor's namespace, whose rights the trigger has in the cluster. Absent: the worker's own; so in
   * runs of versions that ignored `spec.template.serviceAccountName`.
   */
  readonly actsAs?: string;
};

/** Returns a sensor's triggers by name. */
export function runTriggers({ triggers, template }: SensorSpec): Readonly<Record<string, RunTrigger>> {
  const account = template?.serviceAccountName;
  return Object.fromEntries(triggers.map((trigger) => [trigger.template.name, actingAs(trigger, account)]));
}

/** @param account undefined or empty: the worker's own rights */
export function actingAs(trigger: TriggerSpec, account: string | undefined): RunTrigger {
  return account ? { ...trigger, actsAs: account } : trigger;
}
