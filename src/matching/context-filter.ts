/** Context filter: each attribute in it must equal the event's. `id`, `specversion`, `time` are not compared. */
import type { CloudEvent } from '../event/cloud-event';
import type { ContextFilter } from '../manifest/filters';
import { passed, refused } from './clause-verdict';
import type { ClauseVerdict } from './clause-verdict';
import { shortText } from './short-text';

const COMPARED = ['type', 'subject', 'source', 'datacontenttype'] as const;

export function decideContextFilter(filter: ContextFilter, event: CloudEvent): ClauseVerdict {
  for (const attribute of COMPARED) {
    const wanted = filter[attribute];
    if (wanted && wanted !== event[attribute]) {
      return refused(`${attribute} is ${shortText(event[attribute])}, wanted ${shortText(wanted)}`);
    }
  }
  return passed('every named attribute is as wanted');
}
