/** Which types of workflows have a local activity that runs: their tasks stay open as long as it takes. */
import type { ActivityInterceptorsFactory } from '@temporalio/worker';

export class RunningLocalActivities {
  private readonly counts = new Map<string, number>();

  isRunningFor(workflowType: string): boolean {
    return (this.counts.get(workflowType) ?? 0) > 0;
  }

  readonly interceptors: ActivityInterceptorsFactory = ({ info: { isLocal, workflowType } }) => {
    if (!isLocal || workflowType === undefined) return {};
    return {
      inbound: {
        execute: async (input, next) => {
          this.change(workflowType, 1);
          try {
            return await next(input);
          } finally {
            this.change(workflowType, -1);
          }
        },
      },
    };
  };

  private change(workflowType: string, by: number): void {
    this.counts.set(workflowType, (this.counts.get(workflowType) ?? 0) + by);
  }
}
