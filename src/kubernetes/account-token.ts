/** A token of a ServiceAccount by the TokenRequest API: bounded in time, held in memory only, never logged. */
import { isSluiceError, SluiceError } from '../errors/sluice-error';
import type { KubernetesClient } from './client';
import { isRecord } from './kubernetes-object';
import { objectPath } from './object-path';
import { refusalOf } from './refusal';

export interface AccountName {
  readonly namespace: string;
  readonly name: string;
}

const LIFETIME_S = 3_600;
/** Early enough to outlive an outage of the API server that lasts for minutes. */
const RENEW_AFTER_SHARE = 0.75;
const RETRY_RENEWAL_MS = 10_000;
const TIMEOUT_MS = 10_000;

interface HeldToken {
  readonly text: string;
  readonly renewAt: number;
  readonly expiresAt: number;
}

export class AccountToken {
  private held: HeldToken | undefined;
  private asking: Promise<string> | undefined;

  /**
   * @param client has the rights with which the token is requested
   * @param now a monotonic clock in milliseconds: the clock of the API server may differ from that of this machine
   */
  constructor(
    private readonly client: Pick<KubernetesClient, 'request'>,
    private readonly account: AccountName,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** Rejects with SERVICE_ACCOUNT_UNUSABLE, WORKER_RESTRICTED or the client's errors. */
  read(): string | Promise<string> {
    if (this.held !== undefined && this.now() < this.held.renewAt) return this.held.text;
    return (this.asking ??= this.renew().finally(() => (this.asking = undefined)));
  }

  /** For a token that the API server rejects: its account was deleted, or its signing key was replaced. */
  forget(): void {
    this.held = undefined;
  }

  private async renew(): Promise<string> {
    const former = this.held;
    try {
      this.held = await this.request();
    } catch (error) {
      const mayPass = refusalOf(error) === undefined || isPassing(error);
      const isUsable = former !== undefined && this.held === former && this.now() < former.expiresAt;
      if (!isUsable || !mayPass) throw explain(error, this.account);
      this.held = { ...former, renewAt: this.now() + RETRY_RENEWAL_MS };
    }
    return this.held.text;
  }

  private async request(): Promise<HeldToken> {
    const { namespace, name } = this.account;
    const requestedAt = this.now();
    const answer = await this.client.request<Record<string, unknown>>({
      method: 'POST',
      path: `${objectPath({ apiVersion: 'v1', plural: 'serviceaccounts' }, namespace, name)}/token`,
      body: {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenRequest',
        spec: { expirationSeconds: LIFETIME_S },
      },
      timeoutMs: TIMEOUT_MS,
    });
    const text = isRecord(answer.status) ? answer.status.token : undefined;
    if (typeof text !== 'string' || text === '') {
      throw new SluiceError('KUBERNETES_UNREACHABLE', {
        message: `the answer to the TokenRequest of ServiceAccount ${namespace}/${name} has no token`,
      });
    }
    // The server may grant another lifetime.
    const granted = isRecord(answer.spec) ? answer.spec.expirationSeconds : undefined;
    const lifetimeMs = (typeof granted === 'number' && granted > 0 ? granted : LIFETIME_S) * 1_000;
    return {
      text,
      renewAt: requestedAt + lifetimeMs * RENEW_AFTER_SHARE,
      expiresAt: requestedAt + lifetimeMs,
    };
  }
}

function isPassing(error: unknown): boolean {
  return isSluiceError(error) && error.retryable;
}

function explain(error: unknown, { namespace, name }: AccountName): unknown {
  const status = refusalOf(error)?.status;
  if (!isSluiceError(error) || (status !== 403 && status !== 404)) return error;
  const isMissing = status === 404;
  return new SluiceError('SERVICE_ACCOUNT_UNUSABLE', {
    message: isMissing
      ? `ServiceAccount ${namespace}/${name} does not exist: ${error.message}`
      : `this worker may not act as ServiceAccount ${namespace}/${name}: ${error.message}`,
    fix: isMissing
      ? `Create it (kubectl -n ${namespace} create serviceaccount ${name}), or correct the name`
      : `Add to a Role of namespace ${namespace} that is bound to the worker's account: ${tokenRule(name)}. ` +
        'Or have workers use their own rights: SLUICE_TRIGGER_IDENTITY=worker',
    retryable: error.retryable,
    retryAfterMs: error.retryAfterMs,
    context: { namespace, account: name, status },
    cause: error,
  });
}

/** The one right that acting as the account needs, as a rule of a Role. */
function tokenRule(account: string): string {
  return `{apiGroups: [''], resources: [serviceaccounts/token], resourceNames: [${account}], verbs: [create]}`;
}
