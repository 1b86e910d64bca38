/** Details of an event bus in the Temporal UI: one Markdown panel. Pure. */
import { asCode } from '../../src/text/markdown-text';
import { linkToList } from '../../src/text/temporal-ui-links';
import type { EventBusDefinition } from '../../src/contract/definitions';
import type { ControlStatus } from '../../src/contract/lifecycle-messages';
import { describeLastChange, describeRefusals } from '../../src/contract/operator-request';

export function describeEventBus(
  { namespace, name, spec }: EventBusDefinition,
  { applied, refusals }: ControlStatus,
  temporalNamespace: string,
): string {
  const kinds = Object.keys(spec).map((kind) => asCode(kind));
  const ofType = (type: string, label: string): string =>
    linkToList(label, temporalNamespace, `WorkflowType = '${type}' AND ExecutionStatus = 'Running'`);
  return [
    `Event bus **${namespace}/${name}**, ${kinds.join(', ')} · ${ofType('eventSource', 'event sources')} · ${ofType('sensor', 'sensors')}`,
    ...describeLastChange(applied),
    ...describeRefusals(refusals),
    '',
    'It keeps the applied spec for event sources and sensors that are applied later; query `spec` shows it. Events travel through NATS, not through this workflow.',
  ].join('\n');
}
