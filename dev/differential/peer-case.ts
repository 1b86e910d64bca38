/** A case as expressions/peer reads it: documents are text, written as Sluice writes them to the bus. */
import type { CloudEvent } from '../../src/event/cloud-event';
import { eventOf, type DifferentialCase } from './cases';

export function peerCase(each: DifferentialCase): Record<string, unknown> {
  switch (each.kind) {
    case 'transform':
    case 'source':
      return { ...each, data: JSON.stringify(each.data) };
    case 'filters':
      return { ...each, data: JSON.stringify(each.data), context: attributes(eventOf(each.data, each.time)) };
    case 'parameters':
      return { ...withEvent(each), document: JSON.stringify(each.document) };
    case 'payload':
      return withEvent(each);
    case 'condition':
    case 'cron':
      return { ...each };
  }
}

function withEvent(each: Extract<DifferentialCase, { kind: 'parameters' | 'payload' }>): Record<string, unknown> {
  const context = attributes(eventOf(each.data));
  return { ...each, data: '', events: { dep: { context, data: JSON.stringify(each.data) } } };
}

function attributes({ data: _data, ...context }: CloudEvent): object {
  return context;
}
