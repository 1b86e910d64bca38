/**
 * What every trigger promises, as tests: run by each of them against its real server, behind a gate that can shut or
 * hang. What a system cannot do is left out of the fixture, which is data here, not a skipped test.
 */
import { describeError } from '../../src/errors/sluice-error';
import type { KubernetesAccess } from '../../src/kubernetes/access';
import type { FireRequest, FireResult, Trigger, TriggerFactory } from '../../src/triggers/trigger';
import { eventually } from '../setup/eventually';
import { startTcpGate, type TcpGate } from '../setup/tcp-gate';
import { createTriggerWorld, failureOf, fireRequest, type TriggerWorld } from '../triggers/trigger-world';

/** One trigger kind with its server. */
export interface TriggerFixture<Template> {
  /** Where the server listens; fires reach it through the gate. Undefined for a kind without a server. */
  readonly port?: number;
  /** Makes fires go to this port; returns the template that does, with credentials by secret where the kind has any. */
  leadTo(port: number): Template;
  /** `name/key` → value. */
  readonly secrets?: Readonly<Record<string, string>>;
  readonly request?: Partial<Omit<FireRequest<Template>, 'template'>>;
  /** For kinds that act on Kubernetes: the cluster whose API server is reached at this port. */
  connect?(port: number): KubernetesAccess;
  /** The idempotency key of each fire that arrived, in their order; undefined where it came without one. */
  keys(world: TriggerWorld): Promise<ReadonlyArray<string | undefined>> | ReadonlyArray<string | undefined>;
  /** From now on the server refuses for good. Missing only for a kind without a server. */
  refuse?(): void | Promise<void>;
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
  /** False for a kind that writes within the worker. */
  readonly hasServer?: false;
  /** True for a kind that creates objects: its connection is the worker's, and so are the errors of that. */
  readonly actsOnKubernetes?: true;
  /** @param gatePort where the gate listens, for servers that tell clients their address */
  start(gatePort: number): Promise<TriggerFixture<Template>>;
}

/** Longer than a short limit of one request, and shorter than a long one, which cancelling must not wait for. */
const TIME_LIMIT_MS = 20_000;

export function describeTriggerContract<Template>(contract: TriggerContract<Template>): void {
  const { factory, hasKey } = contract;
  const area = contract.actsOnKubernetes ? 'KUBERNETES' : 'TRIGGER';

  describe(`trigger ${factory.kind}: contract`, () => {
    let fixture: TriggerFixture<Template>;
    let gate: TcpGate;
    let world: TriggerWorld;
    let trigger: Trigger<Template>;
    let template: Template;
    let access: KubernetesAccess | undefined;

    beforeEach(async () => {
      gate = await startTcpGate(0);
      fixture = await contract.start(gate.port);
      gate.leadTo(fixture.port ?? 0);
      template = fixture.leadTo(gate.port);
      access = fixture.connect?.(gate.port);
      world = { ...createTriggerWorld(fixture.secrets), ...(access && { kubernetes: access }) };
      trigger = factory.create(world);
    });
    afterEach(async () => {
      await trigger.close();
      access?.close();
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

    it('delivers a fire, with its id as the deduplication key', async () => {
      await fire({ fireId: 'fire-a' });
      await fire({ fireId: 'fire-b' });
      await fire({ fireId: 'fire-a' });
      const [first, second, repeated] = await fixture.keys(world);
      if (!hasKey) return expect([first, second, repeated]).toEqual([undefined, undefined, undefined]);
      expect(first).toBeDefined();
      expect(second).not.toBe(first);
      // A system that recognises it keeps the first only.
      expect(repeated ?? first).toBe(first);
    });

    it('can be closed repeatedly', async () => {
      await fire();
      await trigger.close();
      await trigger.close();
    });

    if (contract.hasServer === false) return;

    it('fails permanently if the server rejects the request', async () => {
      await fixture.refuse?.();
      expect(await failure(fire())).toMatchObject({ code: `${area}_REFUSED`, retryable: false });
    });

    it('fails transiently if the server closes its connections, and delivers once it is back', async () => {
      await fire({ fireId: 'fire-1' });
      gate.shut();
      expect(await failure(fire({ fireId: 'fire-2' }))).toMatchObject({ code: `${area}_UNREACHABLE`, retryable: true });
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
      it('fails transiently, within its time limit, if the server does not answer', async () => {
        gate.hang();
        const error = await promptly(failure(fire()));
        expect(error).toMatchObject({ code: `${area}_UNREACHABLE`, retryable: true });
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

    if (contract.actsOnKubernetes !== true) {
      it('closes its connections', async () => {
        await fire();
        await trigger.close();
        await eventually(() => gate.connected() === 0);
      });
    }

    if (contract.asksToWait) {
      it('returns the delay that the server requests', async () => {
        fixture.throttle?.(7);
        expect(await failure(fire())).toMatchObject({ retryable: true, retryAfterMs: 7_000 });
      });
    }
  });
}
