/** Whose work the running activity does. */
import { asyncLocalStorage } from '@temporalio/activity';

/** Returns the namespace in the id of its workflow; the empty text outside of an activity. */
export function currentTenant(): string {
  const [, namespace] = asyncLocalStorage.getStore()?.info.workflowExecution?.workflowId.split('/') ?? [];
  return namespace ?? '';
}
