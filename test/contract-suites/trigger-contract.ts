/**
 * What every trigger with a server promises, as tests: run by each of them against its real server, behind a gate that
 * can shut or hang. What a system cannot do is left out of the fixture, which is data here, not a skipped test.
 */
import { describeError } from '../../src/errors/sluice-error';
import type { FireRequest, FireResult, Trigger, TriggerFactory } from '../../src/triggers/trigger';
import { eventually } from '../setup/eventually';
import { startTcpGate, type TcpGate } from '../setup/tcp-gate';
import { createTriggerWorld, failureOf, fireRequest, type TriggerWorld } from '../triggers/trigger-world';

/** One trigger kind with its server. */
export interface TriggerFixture<Template> {
  /** Where the server listens; fires reach it through the gate. */
  readonly port: number;
  /** Makes fires go to this port; returns the template that does, with credentials by secret where the kind has any. */
  leadTo(port: number): Template;
  /** `name/key` → value. */
  readonly secrets?: Readonly<Record<string, string>>;
  readonly request?: Partial<Omit<FireRequest<Template>, 'template'>>;
  /** The idempotency key of each fire that arrived, in their order; undefined where it came without one. */
  keys(): Promise<ReadonlyArray<string | undefined>> | ReadonlyArray<string | undefined>;
  /** From now on the server refuses for good. */
  refuse(): void | Promise<void>;
  /** From now on the server asks to be called again after so many seconds. */
  throttle?(seconds: number): void;
  /** Ends the server and removes what `start` set. */
  stop(): Promise<void>;
}

export interface TriggerContract<Template> {
  readonly factory: TriggerFactory<Template>;
  /** False where the system takes no key, so that a repetition may arrive twice. */
  readonly hasKey: boolean;
  /** The server can ask to be called again later, as by `Retry-After`. */
  readonly asksToWait: boolean;
  /** A request is given up within some seconds; otherwise only cancelling is tried. */
  readonly hasShortLimit: boolean;
  start(): Promise<TriggerFixture<Template>>;
}

/** Longer than a short limit of one request, and shorter than a long one, which cancelling must not wait for. */
const TIME_LIMIT_MS = 20_000;

export function describeTriggerContract<Template>(contract: TriggerContract<Template>): void {
  const { factory, hasKey } = contract;

  describe(`trigger ${factory.kind}: contract`, () => {
    let fixture: TriggerFixture<Template>;
    let gate: TcpGate;
    let world: TriggerWorld;
    let trigger: Trigger<Template>;
    let template: Template;

    beforeEach(async () => {
      fixture = await contract.start();
      gate = await startTcpGate(fixture.port);
      template = fixture.leadTo(gate.port);
      world = createTriggerWorld(fixture.secrets);
      trigger = factory.create(world);
    });
    afterEach(async () => {
      await trigger.close();
      await gate.stop();
      await fixture.stop();
    });

    const fire = (more: Partial<Omit<FireRequest<Template>, 'template'>> = {}): Promise<FireResult> =>
      trigger.fire(fireRequest(template, { ...fixture.request, ...more }));

    /** The failure of one fire, which names no secret, also not in the log. */
    async function failure(firing: Promise<FireResult>) {
      const error = await failureOf(firing);
      const written = `${describeError(error)} ${JSON.stringify(world.lines)}`;
      for (const [name, secret] of Object.entries(fixture.secrets ?? {})) {
        if (!name.endsWith('/user')) expect(written).not.toContain(secret);
      }
      return error;
    }

    it('delivers a fire, with its id as the key by which a repetition is recognised', async () => {
      await fire({ fireId: 'fire-a' });
      await fire({ fireId: 'fire-b' });
      await fire({ fireId: 'fire-a' });
      const [first, second, repeated] = await fixture.keys();
      if (!hasKey) return expect([first, second, repeated]).toEqual([undefined, undefined, undefined]);
      expect(first).toBeDefined();
      expect(second).not.toBe(first);
      // A system that recognises it keeps the first only.
      expect(repeated ?? first).toBe(first);
    });

    it('fails for good when the server refuses', async () => {
      await fixture.refuse();
      expect(await failure(fire())).toMatchObject({ code: 'TRIGGER_REFUSED', retryable: false });
    });

    it('fails for now when the server closes its connections, and delivers once it is back', async () => {
      await fire({ fireId: 'fire-1' });
      gate.shut();
      expect(await failure(fire({ fireId: 'fire-2' }))).toMatchObject({ code: 'TRIGGER_UNREACHABLE', retryable: true });
      gate.open();
      await eventually(() => fire({ fireId: 'fire-2' }));
    });

    /** A failure that comes in time, without waiting for one that does not. */
    async function promptly<Result>(work: Promise<Result>): Promise<Result> {
      let timer: NodeJS.Timeout | undefined;
      const tooLate = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new Error(`nothing within ${TIME_LIMIT_MS} ms`)), TIME_LIMIT_MS);
      });
      try {
        return await Promise.race([work, tooLate]);
      } finally {
        clearTimeout(timer);
      }
    }

    if (contract.hasShortLimit) {
      it('fails for now, within its time limit, when the server does not answer', async () => {
        gate.hang();
        const error = await promptly(failure(fire()));
        expect(error).toMatchObject({ code: 'TRIGGER_UNREACHABLE', retryable: true });
      });
    }

    it('ends when it is cancelled while the server does not answer', async () => {
      gate.hang();
      const abort = new AbortController();
      const ended = fire({ signal: abort.signal }).then(
        () => 'delivered',
        () => 'ended',
      );
      await eventually(() => gate.accepted() > 0);
      abort.abort();
      expect(await promptly(ended)).toBe('ended');
    });

    it('closes its connections', async () => {
      await fire();
      await trigger.close();
      await eventually(() => gate.connected() === 0);
      await trigger.close();
    });

    if (contract.asksToWait) {
      it('says how long to wait where the server asks for it', async () => {
        fixture.throttle?.(7);
        expect(await failure(fire())).toMatchObject({ retryable: true, retryAfterMs: 7_000 });
      });
    }
  });
}
