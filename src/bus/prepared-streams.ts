/** Finds streams that an operator must not hand to a tenant, because they would bring it data of others. */
import type { JetStreamManager, StreamConfig } from '@nats-io/jetstream';
import { SluiceError } from '../errors/sluice-error';
import { BUCKETS, bucketName, bucketStream, eventSubjects } from './bus-names';
import type { BusConnection } from './bus-connection';
import { findStream } from './stream';

/** @throws SluiceError BUS_MISCONFIGURED if a stream of the tenant exists with settings other than those of Sluice */
export async function requireUnshared({ names, settings }: BusConnection, manager: JetStreamManager): Promise<void> {
  const { events, decisions, held } = names;
  const expected: ReadonlyArray<readonly [stream: string, subject: string]> = [
    [events.stream, eventSubjects(events)],
    [decisions.stream, `${decisions.prefix}.>`],
    [held.stream, `${held.prefix}.>`],
    ...BUCKETS.map((purpose): [string, string] => {
      const bucket = bucketName(names, purpose);
      return [bucketStream(bucket), `$KV.${bucket}.>`];
    }),
  ];
  for (const [stream, subject] of expected) {
    const config = await findStream(manager, stream);
    const found = config && foreignParts(config, subject);
    if (found === undefined || found.length === 0) continue;
    throw new SluiceError('BUS_MISCONFIGURED', {
      message: `Event bus ${settings.name}: stream "${stream}" was not created by Sluice, and would give its tenant data of others (${found.join(', ')})`,
      fix: `Inspect it with "nats stream info ${stream}"; correct or remove it, then prepare the bus again`,
      context: { bus: settings.name },
    });
  }
}

function foreignParts(config: StreamConfig, subject: string): string[] {
  const { subjects = [], sources = [], mirror, republish, subject_transform: transform } = config;
  const found = subjects.filter((one) => one !== subject).map((one) => `subject ${one}`);
  if (mirror !== undefined) found.push(`mirror of ${mirror.name}`);
  found.push(...sources.map(({ name }) => `source ${name}`));
  if (republish !== undefined) found.push(`republishes to ${republish.dest}`);
  if (transform !== undefined) found.push(`subjects changed to ${transform.dest}`);
  return found;
}
