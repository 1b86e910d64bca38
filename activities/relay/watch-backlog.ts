/**
 * While an event source is paused it has no reader, so this activity counts the events that accumulate outside: for
 * `sluice status` and the Temporal UI by its heartbeat, and by reports to the workflow, which shows them.
 */
import type { Context } from '@temporalio/activity';
import { classifyTemporalFailure } from '../../src/errors/temporal-failures';
import { eventSourceWorkflowId } from '../../src/contract/identity';
import { backlogReportSignal, type EventBacklog } from '../../src/contract/event-source-messages';
import { BacklogMeter } from './backlog-meter';
import type { EventSourceActivities, RelayEventsRequest } from '../../src/contract/activities';
import { toFireFailure } from '../worker/failures';
import type { Heartbeat } from '../worker/heartbeat';
import { whilePaused } from '../worker/while-paused';
import { openSource, type RelayDependencies } from './open-source';
import { ReportPace } from '../worker/report-pace';

const FIRST_REPORT_AFTER_MS = 2_000;
/** Each report is in the workflow's history, and a pause may last for weeks. */
const REPORT_EVERY_MS = 60_000;

export function createBacklogActivities(
  dependencies: RelayDependencies,
): Pick<EventSourceActivities, 'sluiceWatchBacklog'> {
  return {
    sluiceWatchBacklog: (request) =>
      whilePaused({ event: request.eventName }, (context, heartbeat) =>
        watch(request, context, dependencies, heartbeat),
      ),
  };
}

async function watch(
  request: RelayEventsRequest,
  { cancellationSignal: signal, client }: Context,
  dependencies: RelayDependencies,
  heartbeat: Heartbeat,
): Promise<void> {
  const { definition, eventName } = request;
  const { namespace, name } = definition;
  const { source, write } = openSource(request, signal, dependencies);
  const meter = new BacklogMeter(source, dependencies.metrics, { namespace, eventSourceName: name, eventName }, false);
  const workflow = client.workflow.getHandle(eventSourceWorkflowId(namespace, name));
  const pace = new ReportPace(FIRST_REPORT_AFTER_MS, REPORT_EVERY_MS, Date.now());
  let reported = '';
  const report = async (backlog: EventBacklog): Promise<void> => {
    const { at: _, ...counts } = backlog;
    const news = JSON.stringify(counts);
    if (news !== reported) pace.changed(Date.now());
    if (!pace.isDue(Date.now())) return;
    const hasNews = news !== reported;
    if (hasNews) {
      try {
        await workflow.signal(backlogReportSignal, { eventName, backlog });
        reported = news;
      } catch (error) {
        // The next count may differ; this one would be rejected again.
        if (classifyTemporalFailure(error).kind === 'permanent') reported = news;
        write('warn', `the backlog of event ${eventName} cannot be reported: ${toFireFailure(error).message}`);
      }
    }
    pace.looked(hasNews, Date.now());
  };
  heartbeat.report(() => ({ event: eventName, ...source.status(), backlog: meter.latest() }));
  try {
    await meter.run(signal, report);
  } finally {
    await source.close();
  }
}
