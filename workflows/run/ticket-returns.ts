/** Limited triggers: returns the ticket of each fire that ended or is parked, so that the sensor starts the next one. */
import { getExternalWorkflowHandle, log } from '@temporalio/workflow';
import { sensorWorkflowId } from '../../src/contract/identity';
import type { SensorRunInput } from '../../src/contract/run-messages';
import { firesEndedSignal } from '../../src/contract/sensor-messages';
import type { RunLedger } from '../../src/sandbox/run/run-ledger';

export class TicketReturns {
  private readonly returned = new Set<string>();
  private returning: Promise<void> = Promise.resolve();

  constructor(
    private readonly input: SensorRunInput,
    private readonly ledger: RunLedger,
  ) {}

  /** Returns the tickets of fires that came to rest since the last call. */
  returnNew(): void {
    const tickets = this.input.fires.flatMap(({ id, ticket }) =>
      ticket !== undefined && !this.returned.has(ticket) && this.ledger.isAtRest(id) ? [ticket] : [],
    );
    if (tickets.length === 0) return;
    for (const ticket of tickets) this.returned.add(ticket);
    const { namespace, name } = this.input.sensor;
    const sensor = getExternalWorkflowHandle(sensorWorkflowId(namespace, name));
    this.returning = this.returning
      .then(() => sensor.signal(firesEndedSignal, tickets))
      .catch((error: unknown) => log.warn('the sensor no longer exists, so no fire is pending', { tickets, error }));
  }

  /** Resolves when the sensor has received them; never rejects. */
  idle(): Promise<void> {
    return this.returning;
  }
}
