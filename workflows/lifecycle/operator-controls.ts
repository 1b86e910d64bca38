/**
 * The operator's controls of an applied object, the same for each kind: pause, resume and delete; requests that are
 * rejected; and the details in the Temporal UI, which show all of it.
 */
import { setCurrentDetails, setHandler, workflowInfo } from '@temporalio/workflow';
import { deleteSignal, pauseSignal, resumeSignal } from '../../src/contract/lifecycle-messages';
import { missingRequester } from '../../src/contract/operator-request';
import type { RequestedBy } from '../../src/contract/requester';
import type { ControlState } from '../../src/sandbox/lifecycle/control-state';
import { Lifetime } from './lifetime';

export class OperatorControls {
  readonly lifetime = new Lifetime((notice) => this.refuse(notice));
  private restarts = false;

  /** `describe` returns the details as Markdown. */
  constructor(
    private readonly state: ControlState,
    private readonly describe: () => string,
  ) {}

  // The UI lists signals in the order in which they are handled first, so each workflow chooses it.

  handlePause(description: string): void {
    this.handle(pauseSignal, description, (request) => {
      this.state.pause(request, Date.now());
      this.restart();
    });
  }

  handleResume(description: string): void {
    this.handle(resumeSignal, description, () => {
      this.state.resume();
      this.restart();
    });
  }

  handleDelete(description: string): void {
    this.handle(deleteSignal, description, () => this.lifetime.delete());
  }

  /** Returns whether the signal is rejected. Signals cannot return errors, so that is shown in the details. */
  isRefused(signal: string, refusal: string | undefined): boolean {
    if (refusal === undefined) return false;
    this.refuse(`${signal}: ${refusal}`);
    return true;
  }

  /** The same for signals that workers send. */
  isUnreadable(signal: string, isReadable: boolean): boolean {
    return this.isRefused(signal, isReadable ? undefined : 'it is not a message of a worker');
  }

  show(): void {
    setCurrentDetails(this.describe());
  }

  /** Requests that everything which runs is stopped and started anew, by the state as it is then. */
  restart(): void {
    this.restarts = true;
  }

  /** Everything is started now. */
  started(): void {
    this.restarts = false;
  }

  get isRestarting(): boolean {
    return this.restarts;
  }

  /** True if what runs must stop: to be restarted, or to continue as new. */
  isRoundOver(): boolean {
    return this.restarts || workflowInfo().continueAsNewSuggested;
  }

  private refuse(reason: string): void {
    this.state.refuse(reason, Date.now());
    this.show();
  }

  private handle(signal: typeof pauseSignal, description: string, obey: (request: RequestedBy) => void): void {
    setHandler(
      signal,
      (request) => {
        if (!this.isRefused(signal.name, missingRequester(request))) obey(request);
      },
      { description: `${description}: {"by": "…", "why": "…"}` },
    );
  }
}
