/** Event source `custom`: finds the source that the worker's owner gave to the plugin, and its options. */
import { describeError } from '../errors/sluice-error';
import type { JsonObject } from '../event/json';
import type { EventOptions } from '../manifest/event-source';
import type { CustomSource, CustomSourceContext } from './custom-source';
import type { Source, SourceContext, SourceOf, SourceStatus } from './source';
import { sourceFailure } from './source-failure';

export const customSource: SourceOf<'custom'> = {
  kind: 'custom',
  guarantee: 'at least once',
  typeOf: ({ source }) => source,
  create(spec, context) {
    const custom = findCustomSource(spec, context);
    return contained(custom.create(readOptions(custom, spec, context), contextOf(spec, context)));
  },
};

type CustomOptions = EventOptions<'custom'>;

function findCustomSource({ source }: CustomOptions, context: SourceContext): CustomSource {
  const { customSources = [] } = context;
  const found = customSources.find(({ name }) => name === source);
  if (found !== undefined) return found;
  const known = customSources.map(({ name }) => name).join(', ') || 'none';
  throw sourceFailure(context, 'misconfigured', {
    message: `this worker has no custom source "${source}"; it has: ${known}`,
    fix: 'Give it to new EventSourcePlugin({ sources: [...] }) in each worker of the task queue, or correct `source`',
  });
}

function readOptions(custom: CustomSource, { options = {} }: CustomOptions, context: SourceContext): unknown {
  try {
    return custom.options.parse(options);
  } catch (cause) {
    throw sourceFailure(context, 'misconfigured', {
      message: `the options of custom source "${custom.name}" are not sound: ${describeError(cause)}`,
      fix: 'Correct `options` in the manifest',
      cause,
    });
  }
}

function contextOf({ metadata }: CustomOptions, context: SourceContext): CustomSourceContext {
  const { namespace, eventSourceName, eventName, signal, position, secrets, log } = context;
  return {
    namespace,
    eventSourceName,
    eventName,
    signal,
    position,
    metadata,
    log,
    readSecret: (selector) => secrets.secret(namespace, selector),
    failure: (kind, details) => sourceFailure(context, kind, details),
  };
}

/** Heartbeats ask for its status and marks in a timer, where an error would end the worker with all its other sources. */
function contained(source: Source): Source {
  const { patienceMs } = source;
  const backlog = source.backlog?.bind(source);
  return {
    ...(patienceMs !== undefined && { patienceMs }),
    check: () => source.check(),
    deliveries: () => source.deliveries(),
    status: () => statusOf(source),
    ...(source.marks && { marks: () => marksOf(source) }),
    ...(backlog && { backlog }),
    close: () => source.close(),
  };
}

function statusOf(source: Source): SourceStatus {
  try {
    const status = source.status();
    // What cannot be written as JSON ends a heartbeat, too.
    JSON.stringify(status);
    return status;
  } catch (error) {
    return { connected: false, dropped: 0, problem: `its status cannot be read: ${describeError(error)}` };
  }
}

function marksOf(source: Source): JsonObject {
  try {
    const marks = source.marks?.() ?? {};
    JSON.stringify(marks);
    return marks;
  } catch {
    // The next reader begins without them.
    return {};
  }
}
