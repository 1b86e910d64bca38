/** The applied sensors that ask for an event, with what they hold of it. */
import type { QueryDefinition } from '@temporalio/common';
import { sensorDefinitionQuery, sensorDependenciesQuery, sensorStatusQuery } from '../../../workflows/messages';
import { describeError } from '../../errors';
import { APPLIED_KINDS } from '../applied-kinds';
import { listApplied, type AppliedObject } from '../applied-objects';
import { askWorkflow, notApplied } from '../ask-workflow';
import { concurrently } from '../concurrently';
import type { TemporalSession } from '../temporal';
import type { SensorFacts } from './facts';

const QUERIES_AT_ONCE = 8;

export async function readInterestedSensors(
  session: TemporalSession,
  namespace: string | undefined,
  { source, subject }: { readonly source: string; readonly subject: string },
): Promise<{ sensors: SensorFacts[]; problems: string[] }> {
  const applied = await listApplied(session, [APPLIED_KINDS.Sensor], namespace);
  const problems: string[] = [];
  const found = await concurrently(applied, QUERIES_AT_ONCE, async (object) => {
    try {
      return await readSensor(session, object, source, subject);
    } catch (error) {
      problems.push(`sensor ${object.namespace}/${object.name} cannot be asked: ${describeError(error)}`);
      return undefined;
    }
  });
  return { sensors: found.filter((sensor) => sensor !== undefined), problems };
}

async function readSensor(
  session: TemporalSession,
  object: AppliedObject,
  source: string,
  subject: string,
): Promise<SensorFacts | undefined> {
  const ask = <T>(wanted: QueryDefinition<T>): Promise<T> =>
    askWorkflow(
      session,
      object.workflowId,
      () => notApplied(object),
      (handle) => handle.query(wanted),
    );
  const definition = await ask(sensorDefinitionQuery);
  const isInterested = definition.spec.dependencies.some(
    ({ eventSourceName, eventName }) => eventSourceName === source && eventName === subject,
  );
  if (!isInterested) return undefined;
  const [status, held] = await Promise.all([ask(sensorStatusQuery), ask(sensorDependenciesQuery)]);
  return { definition, status, held };
}
