/** One object of the cluster, kept in step with its workflow for as long as it exists. */
import type { Logger } from 'pino';
import type { Semaphore } from '../concurrency/semaphore';
import type { ObjectAddress } from '../control/applied-kinds';
import { addressText } from '../control/ask-workflow';
import { deleteOwned } from '../control/delete-owned';
import { describeEnd, type ExecutionEnd } from '../control/status/execution-end';
import { readCondition } from '../control/status/read-condition';
import { describeError, isSluiceError } from '../errors/sluice-error';
import type { KubernetesObject } from '../kubernetes/kubernetes-object';
import type { ManifestKind } from '../validation/parse-manifest';
import { applyClusterObject, type AppliedClusterObject, type ApplyTools } from './apply-cluster-object';
import type { ClusterEvent, ClusterEvents } from './cluster-events';
import { generationOf, manifestOf } from './cluster-object';
import { conditionsOf, describeProblem, type ApplyResult, type ObservedObject } from './object-conditions';
import { writeStatus } from './object-status';
import { KeptService, type ServiceTools } from './kept-service';
import { restoreFormer } from './restore-former';
import { Backoff } from './backoff';

export interface ObjectTools extends ApplyTools, ServiceTools {
  readonly events: ClusterEvents;
  readonly log: Logger;
  /** The controller takes only some of the objects. */
  readonly selects: boolean;
  /** Bounds the objects that are worked on at a time. */
  readonly turns: Semaphore;
  readonly signal: AbortSignal;
  /** Resolves once the objects that must run before one of this kind are settled, or have taken too long. */
  untilItsTurn(kind: ManifestKind): Promise<void>;
  onSettling(kind: ManifestKind, isSettled: boolean): void;
  /** A bus was applied: its users may have waited for it. */
  onBusApplied(bus: ObjectAddress): void;
}

/** Soon enough for a person who watches, and for drift to be repaired within a minute. */
const LOOK_EVERY_MS = 15_000;
/** An object that a worker has yet to end, or a bus that is still used. */
const LEAVE_AGAIN_MS = 5_000;
/** Compares again what is applied with the object: other clients can apply it, too. */
const COMPARE_EVERY_MS = 10 * 60_000;
const LONGEST_RETRY_MS = 60_000;
/** How soon a status that differs only in the text of messages is written again. */
const REWORD_EVERY_MS = 60_000;
const QUERY_TIMEOUT_MS = 5_000;
/** A sensor that does not listen by then delays no source. */
const LISTENS_WITHIN_MS = 5_000;
const MOST_EVENTS = 10;

type Seen = NonNullable<ObservedObject['seen']> & { readonly end?: ExecutionEnd };

export class KeptObject {
  private latest: KubernetesObject | undefined;
  /** The last that was known of an object that is gone. */
  private former: KubernetesObject | undefined;
  private result: ApplyResult = { kind: 'pending' };
  /** The manifest of the last attempt. */
  private tried: string | undefined;
  private triedAt = 0;
  /** When it is applied again although it has not changed. */
  private dueAt = 0;
  /** Of the last attempt: logged once. */
  private noted: ReadonlySet<string> = new Set();
  private readonly retries = new Backoff(LONGEST_RETRY_MS);
  private seen: Seen | undefined;
  private readonly service: KeptService;
  private readonly looks = new Backoff(LOOK_EVERY_MS);
  private settled = true;
  private isForced = false;
  /** False once it is known that the workflow that ended was not the controller's. */
  private hasFormer = true;
  private shownAt = -Infinity;
  /** Recorded once the status is written. */
  private news: readonly ClusterEvent[] = [];
  private isWoken = false;
  private endSleep: () => void = () => undefined;

  constructor(
    readonly address: ObjectAddress,
    private readonly tools: ObjectTools,
  ) {
    this.service = new KeptService(tools);
  }

  get isFaulty(): boolean {
    return this.result.kind !== 'applied';
  }

  get object(): KubernetesObject | undefined {
    return this.latest;
  }

  /**
   * Takes what the watch has shown; undefined if the object is gone.
   *
   * @param former its last state
   */
  update(object: KubernetesObject | undefined, former = this.latest): void {
    if (object === undefined) this.former = former;
    this.latest = object;
    if (object !== undefined && manifestOf(object) === this.tried) return;
    this.settle(object === undefined);
    this.wake();
  }

  /** Applies it again although it has not changed. */
  applyAgain(): void {
    // What is wrong with the manifest itself, no other object can cure.
    if (this.result.kind === 'faulty') return;
    this.isForced = true;
    this.wake();
  }

  /** Resolves once the object and its workflow are gone, or the signal aborts. */
  async run(): Promise<void> {
    const { signal, turns } = this.tools;
    while (!signal.aborted) {
      this.isWoken = false;
      // Without a turn: those it waits for need one.
      if (!this.settled) await this.tools.untilItsTurn(this.address.kind.kind);
      const pauseMs = await turns
        .run(signal, () => this.step())
        .catch((error: unknown) => this.afterError(error, signal));
      if (pauseMs === undefined) return;
      await this.sleep(pauseMs);
    }
  }

  /** Returns how long to wait before the next step; undefined if none is needed. */
  private async step(): Promise<number | undefined> {
    const object = this.latest;
    if (object === undefined) return await this.leave();
    await this.applyIfNeeded(object);
    await this.keepService(object);
    await this.look();
    if (this.isLost()) return await this.restore();
    this.settleIfListening();
    const isShown = await this.show(object);
    return isShown ? this.pauseMs() : this.looks.next();
  }

  private async leave(): Promise<number | undefined> {
    const why = `${addressText(this.address)} was deleted from the cluster, or is no longer selected`;
    const owner = { appliedBy: 'controller', requestedBy: { by: 'controller', why } } as const;
    const state = await deleteOwned(this.tools.session, this.address, owner);
    // It may have come back meanwhile.
    if (this.latest !== undefined) return 0;
    if (state === 'present') return LEAVE_AGAIN_MS;
    if (this.former !== undefined) await this.service.drop(this.former);
    if (this.former !== undefined && this.tools.selects) await this.release(this.former);
    return undefined;
  }

  /** An object that lost the label of its class may still be there: its status must not go on saying that it runs. */
  private async release(object: KubernetesObject): Promise<void> {
    const result = { kind: 'pending', reason: 'NotSelected' } as const;
    const { kind } = this.address.kind;
    await writeStatus(this.tools.cluster, object, conditionsOf({ kind, generation: generationOf(object), result }));
  }

  private async applyIfNeeded(object: KubernetesObject): Promise<void> {
    const manifest = manifestOf(object);
    const hasChanged = manifest !== this.tried;
    if (hasChanged) this.hasFormer = true;
    if (hasChanged) this.retries.reset();
    else if (!this.isForced && Date.now() < this.dueAt) return;
    this.isForced = false;
    const applied = await applyClusterObject(manifest, this.address.namespace, !hasChanged, this.tools);
    const before = this.result;
    [this.tried, this.triedAt, this.result] = [manifest, Date.now(), applied.result];
    this.dueAt = this.triedAt + this.pauseAfter(applied.result);
    this.looks.reset();
    for (const note of applied.notes) {
      if (!this.noted.has(note)) this.tools.log.warn({ object: addressText(this.address) }, note);
    }
    this.noted = new Set(applied.notes);
    if (this.address.kind.kind === 'EventBus' && applied.action !== undefined && applied.action !== 'unchanged') {
      this.tools.onBusApplied(this.address);
    }
    if (hasChanged || before.kind !== applied.result.kind) this.news = eventsOf(applied);
  }

  /** Of a faulty version nothing is made. */
  private async keepService(object: KubernetesObject): Promise<void> {
    if (this.address.kind.kind !== 'EventSource' || this.result.kind !== 'applied') return;
    for (const event of await this.service.keep(object)) await this.tools.events.record(object, event);
  }

  private pauseAfter(result: ApplyResult): number {
    switch (result.kind) {
      case 'faulty':
        return Infinity;
      case 'pending':
      case 'failed':
      case 'waiting':
        return this.retries.next();
      case 'applied':
        // The event source may be applied next: sensors go first.
        if (result.silent !== undefined) return Math.max(LOOK_EVERY_MS, this.retries.next());
        this.retries.reset();
        return COMPARE_EVERY_MS;
    }
  }

  private async look(): Promise<void> {
    try {
      this.seen = await readCondition(this.tools.session, this.address, QUERY_TIMEOUT_MS);
    } catch (error) {
      const isUnknown = isSluiceError(error) && error.code === 'OBJECT_UNKNOWN';
      if (isUnknown) this.seen = undefined;
      else this.seen = { state: 'Unknown', reason: describeError(error) };
    }
  }

  /** Its workflow has ended, though the object is still there. */
  private isLost(): boolean {
    switch (this.result.kind) {
      case 'applied':
        return this.seen === undefined || this.seen.state === 'Gone';
      case 'faulty':
        return this.seen?.state === 'Gone' && this.hasFormer;
      case 'pending':
      case 'waiting':
      case 'failed':
        return false;
    }
  }

  private async restore(): Promise<number> {
    if (this.result.kind === 'faulty') {
      this.hasFormer = await restoreFormer(this.tools.session, this.address, this.tools.taskQueues);
      if (!this.hasFormer) return 0;
    }
    const how = this.seen?.end === undefined ? 'Deleted by a command' : describeEnd(this.seen.end);
    const message = `its workflow had ended and is started again: ${how}`;
    this.tools.log.warn({ object: addressText(this.address) }, message);
    if (this.latest !== undefined) {
      await this.tools.events.record(this.latest, { type: 'Warning', reason: 'Restored', message });
    }
    this.isForced = this.result.kind === 'applied';
    return 0;
  }

  private settle(isSettled: boolean): void {
    if (this.settled === isSettled) return;
    this.settled = isSettled;
    this.tools.onSettling(this.address.kind.kind, isSettled);
  }

  private settleIfListening(): void {
    const isListening = this.seen?.state === 'Ready' || this.seen?.state === 'Paused';
    const isAwaited = this.address.kind.kind === 'Sensor' && this.result.kind === 'applied' && !isListening;
    if (!isAwaited || Date.now() - this.triedAt > LISTENS_WITHIN_MS) this.settle(true);
  }

  /** Returns false if the object has moved on: its newer state is to be shown. */
  private async show(object: KubernetesObject): Promise<boolean> {
    const { cluster } = this.tools;
    const { kind } = this.address.kind;
    const observed = { kind, generation: generationOf(object), result: this.result, seen: this.seen };
    // Messages hold counts and times: each change of one would be a write, and an event for every watch.
    const mayWait = performance.now() - this.shownAt < REWORD_EVERY_MS;
    const written = await writeStatus(cluster, object, conditionsOf(observed), { mayWait });
    if (written === 'moved') return false;
    const { news } = this;
    this.news = [];
    // After a fail-over, the status tells that they were recorded before.
    if (written === 'same') return true;
    this.shownAt = performance.now();
    // Unless the watch has shown a newer one meanwhile.
    if (this.latest === object) this.latest = written;
    for (const event of news) await this.tools.events.record(object, event);
    return true;
  }

  private pauseMs(): number {
    const isSteady = this.result.kind !== 'applied' || this.seen?.state === 'Ready' || this.seen?.state === 'Paused';
    const lookMs = isSteady ? LOOK_EVERY_MS : this.looks.next();
    return Math.max(0, Math.min(lookMs, this.dueAt - Date.now()));
  }

  private afterError(error: unknown, signal: AbortSignal): number | undefined {
    if (signal.aborted) return undefined;
    const pauseMs = this.retries.next();
    this.tools.log.warn({ object: addressText(this.address), retryMs: pauseMs }, describeError(error));
    return pauseMs;
  }

  private async sleep(ms: number): Promise<void> {
    if (this.isWoken) return;
    const { signal } = this.tools;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.endSleep = () => {
        clearTimeout(timer);
        resolve();
      };
      signal.addEventListener('abort', this.endSleep, { once: true });
      if (signal.aborted) this.endSleep();
    });
    signal.removeEventListener('abort', this.endSleep);
  }

  private wake(): void {
    this.isWoken = true;
    this.endSleep();
  }
}

function eventsOf({ result, action, warnings }: AppliedClusterObject): readonly ClusterEvent[] {
  const warn = (reason: string, messages: readonly string[]): ClusterEvent[] =>
    messages.slice(0, MOST_EVENTS).map((message) => ({ type: 'Warning', reason, message }));
  switch (result.kind) {
    case 'faulty':
      return warn('InvalidSpec', result.problems.map(describeProblem));
    case 'waiting':
      return warn('EventBusNotFound', result.problems.map(describeProblem));
    case 'failed':
      return warn('ApplyFailed', [result.message]);
    case 'pending':
      return [];
    case 'applied':
      if (action === undefined || action === 'unchanged') return [];
      return [
        { type: 'Normal', reason: 'Applied', message: `its workflow was ${action}` },
        ...warn('ManifestWarning', warnings.map(describeProblem)),
      ];
  }
}
