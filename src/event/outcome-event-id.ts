/** Ids of the events that report outcomes of Argo Workflows on the bus. Pure. */

/** Event source name of outcomes; the event name is the sensor's name. */
export const OUTCOME_SOURCE = 'sluice-outcomes';

/** The same outcome gets the same id, however often it is reported. */
export function outcomeEventId(
  sensorName: string,
  fireId: string,
  outcome: { readonly phase: string; readonly finishedAt?: string } | undefined,
): string {
  return `${sensorName}:${fireId}:${outcome?.phase ?? ''}:${outcome?.finishedAt ?? ''}`;
}
