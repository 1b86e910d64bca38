import { SluiceError } from '../../src/errors/sluice-error';
import { AccountToken } from '../../src/kubernetes/account-token';
import type { KubernetesRequest } from '../../src/kubernetes/client';
import { createRefusal } from '../../src/kubernetes/refusal';
import { failureOf } from '../setup/failure';

const ACCOUNT = { namespace: 'argo', name: 'runner' };

/** Answers each TokenRequest with the next of `answers`. */
function tokenOf(answers: ReadonlyArray<string | Error>): {
  token: AccountToken;
  requests: KubernetesRequest[];
  pass: (seconds: number) => void;
} {
  let nowMs = 0;
  const requests: KubernetesRequest[] = [];
  const client = {
    request: <Answer>(request: KubernetesRequest): Promise<Answer> => {
      const answer = answers[requests.length];
      requests.push(request);
      if (answer === undefined || answer instanceof Error) return Promise.reject(answer ?? new Error('no answer left'));
      return Promise.resolve({ spec: { expirationSeconds: 3_600 }, status: { token: answer } } as Answer);
    },
  };
  return {
    token: new AccountToken(client, ACCOUNT, () => nowMs),
    requests,
    pass: (seconds) => {
      nowMs += seconds * 1_000;
    },
  };
}

const refusal = (status: number, message: string): SluiceError =>
  createRefusal('POST /x', status, undefined, JSON.stringify({ message }));

describe('the token of a ServiceAccount', () => {
  it('is requested once for requests at the same time, for an hour, and held', async () => {
    const { token, requests } = tokenOf(['first']);
    expect(await Promise.all([token.read(), token.read()])).toEqual(['first', 'first']);
    expect(token.read()).toBe('first');
    expect(requests).toMatchObject([
      {
        method: 'POST',
        path: '/api/v1/namespaces/argo/serviceaccounts/runner/token',
        body: { kind: 'TokenRequest', spec: { expirationSeconds: 3_600 } },
      },
    ]);
  });

  it('is renewed before it expires', async () => {
    const { token, pass } = tokenOf(['first', 'second']);
    await token.read();
    pass(46 * 60);
    expect(await token.read()).toBe('second');
  });

  it('stays in use while it is valid and the API server does not answer', async () => {
    const outage = new SluiceError('KUBERNETES_UNREACHABLE', { message: 'no answer' });
    const { token, pass, requests } = tokenOf(['first', outage, outage]);
    await token.read();
    pass(50 * 60);
    expect(await token.read()).toBe('first');
    expect(token.read()).toBe('first');
    expect(requests).toHaveLength(2);
    pass(11 * 60);
    expect(await failureOf(Promise.resolve(token.read()))).toMatchObject({
      code: 'KUBERNETES_UNREACHABLE',
      retryable: true,
    });
  });

  it('is not used any more once the right to request it was withdrawn', async () => {
    const { token, pass } = tokenOf(['first', refusal(403, 'User "worker" cannot create serviceaccounts/token')]);
    await token.read();
    pass(50 * 60);
    expect(await failureOf(Promise.resolve(token.read()))).toMatchObject({
      code: 'SERVICE_ACCOUNT_UNUSABLE',
      retryable: false,
      fix: expect.stringContaining(
        "{apiGroups: [''], resources: [serviceaccounts/token], resourceNames: [runner], verbs: [create]}",
      ) as string,
    });
  });

  it('tells an account that does not exist from an API server that fails', async () => {
    const { token } = tokenOf([refusal(404, 'serviceaccounts "runner" not found'), refusal(500, 'etcd is away')]);
    expect(await failureOf(Promise.resolve(token.read()))).toMatchObject({
      code: 'SERVICE_ACCOUNT_UNUSABLE',
      message: expect.stringContaining('ServiceAccount argo/runner does not exist') as string,
      retryable: false,
    });
    expect(await failureOf(Promise.resolve(token.read()))).toMatchObject({
      code: 'KUBERNETES_REFUSED',
      retryable: true,
    });
  });

  it('is requested again after the API server has rejected it', async () => {
    const { token } = tokenOf(['first', 'second']);
    await token.read();
    token.forget();
    expect(await token.read()).toBe('second');
  });
});
