/** A case as expressions/peer reads it. */
import type { CloudEvent } from '../../src/event/cloud-event';
import { eventOf, type DifferentialCase } from './cases';

export function peerCase(each: DifferentialCase): Record<string, unknown> {
  switch (each.kind) {
    case 'filters':
      return { ...each, context: attributes(eventOf(each.data, each.time)) };
    case 'parameters':
    case 'payload':
      return withEvent(each);
    case 'transform':
    case 'source':
    case 'condition':
    case 'cron':
      return { ...each };
  }
}

function withEvent(each: Extract<DifferentialCase, { kind: 'parameters' | 'payload' }>): Record<string, unknown> {
  const context = attributes(eventOf(each.data));
  return { ...each, data: '', events: { dep: { context, data: each.data } } };
}

function attributes({ data: _data, data_base64: _bytes, ...context }: CloudEvent): object {
  return context;
}
