/** What the Temporal UI shows of a run: its details, and its state as a search attribute. */
import { isCancellation, setCurrentDetails, upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import type { RunState } from '../../src/contract/fires';
import { sensorWorkflowId } from '../../src/contract/identity';
import type { SensorRunInput } from '../../src/contract/run-messages';
import { STATE_ATTRIBUTE } from '../../src/contract/search-attributes';
import { describeRunDetails } from '../../src/sandbox/run/run-details';
import type { RunLedger } from '../../src/sandbox/run/run-ledger';
import { showTime } from '../../src/text/readable-times';

export class RunPage {
  private readonly lines: string[] = [];
  private state: RunState = 'Firing';

  /** `beforeShow` is called whenever the state of a fire may have changed. */
  constructor(
    private readonly input: SensorRunInput,
    private readonly ledger: RunLedger,
    private readonly beforeShow: () => void,
  ) {}

  show(): void {
    this.beforeShow();
    const { namespace, name } = this.input.sensor;
    const surroundings = {
      temporalNamespace: workflowInfo().namespace,
      sensorWorkflowId: sensorWorkflowId(namespace, name),
    };
    setCurrentDetails(describeRunDetails(this.input, surroundings, this.ledger, this.lines));
    const state = this.ledger.state();
    if (state === this.state) return;
    this.state = state;
    upsertSearchAttributes([{ key: STATE_ATTRIBUTE, value: state }]);
  }

  /** Adds a line for operators, which the next `show` shows. */
  add(text: string): void {
    this.lines.push(`${showTime(Date.now())} ${text}`);
  }

  /** Shows a failure that does not change the state of the fires. Rethrows a cancellation. */
  addFailure(text: string, error: unknown): void {
    if (isCancellation(error)) throw error;
    // The same failure may occur at each lookup, for days.
    if (this.lines.at(-1)?.endsWith(` ${text}`)) return;
    this.add(text);
    this.show();
  }

  /** Returns whether a signal is rejected. Signals are also typed by hand, so that is shown. */
  isRefused(signal: string, refusal: string | undefined): boolean {
    if (refusal === undefined) return false;
    this.add(`${signal} refused: ${refusal}`);
    this.show();
    return true;
  }
}
