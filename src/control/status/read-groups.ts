/** The concurrency groups of a namespace: who has places, and who waits. */
import { groupStatusQuery, type GroupStatus } from '../../contract/group-messages';
import { describeDisagreement } from '../../contract/group-limits';
import { concurrencyGroupWorkflowId } from '../../contract/identity';
import { SluiceError } from '../../errors/sluice-error';
import { askWorkflow } from '../ask-workflow';
import type { TemporalSession } from '../temporal-session';

const TIMEOUT_MS = 3_000;

/** Leaves out groups that do not respond: nothing else depends on them. */
export async function readGroups(
  session: TemporalSession,
  namespace: string,
  names: readonly string[],
): Promise<GroupStatus[]> {
  const unknown = () => new SluiceError('OBJECT_UNKNOWN', { message: 'no sensor has reported to this group' });
  const found = await Promise.all(
    names.map((name) =>
      askWorkflow(
        session,
        concurrencyGroupWorkflowId(namespace, name),
        unknown,
        (handle) => handle.query(groupStatusQuery),
        TIMEOUT_MS,
      ).catch(() => undefined),
    ),
  );
  return found.filter((group) => group !== undefined);
}

/** Groups whose sensors state different limits. */
export function groupProblems(groups: readonly GroupStatus[]): string[] {
  return groups.flatMap((group) => {
    const disagreement = describeDisagreement(group);
    return disagreement === undefined ? [] : [`limits of concurrency group ${group.name} differ: ${disagreement}`];
  });
}
