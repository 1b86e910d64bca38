/** `policy.k8s`: a fire counts as done only once the object carries the labels that the manifest names. */
import { setTimeout as sleep } from 'node:timers/promises';
import { SluiceError } from '../errors/sluice-error';
import type { OpenCluster } from '../kubernetes/access';
import { objectPath } from '../kubernetes/object-path';
import { describeObject, type KubernetesObject } from '../kubernetes/kubernetes-object';
import type { ObjectReference } from '../errors/object-reference';
import type { TriggerPolicy } from '../manifest/sensor';
import { parseBackoffMs } from '../sandbox/run/retry-plan';

export type LabelPolicy = NonNullable<TriggerPolicy['k8s']>;

/**
 * Reads the object `backoff.steps` times (default 5, from 1 s), until every label has exactly its value. Throws
 * TRIGGER_POLICY_FAILED if it never does and `errorOnBackoffTimeout` is set.
 */
export async function awaitLabels(
  cluster: OpenCluster,
  object: ObjectReference,
  policy: LabelPolicy,
  signal: AbortSignal,
): Promise<void> {
  const wanted = Object.entries(policy.labels);
  const steps = Math.max(1, policy.backoff?.steps || 5);
  const factor = Number(policy.backoff?.factor ?? 1) || 1;
  const jitter = Number(policy.backoff?.jitter ?? 1);
  let pauseMs = parseBackoffMs(policy.backoff?.duration) ?? 1_000;
  const resource = await cluster.discovery.find(object.apiVersion, object.kind, signal);
  const path = objectPath(resource, object.namespace, object.name);
  let missing = wanted;
  for (let step = 1; step <= steps; step++) {
    const { metadata } = await cluster.client.request<KubernetesObject>({ method: 'GET', path, signal });
    missing = wanted.filter(([label, value]) => metadata.labels?.[label] !== value);
    if (missing.length === 0) return;
    if (step === steps) break;
    await sleep(pauseMs * (1 + Math.random() * jitter), undefined, { signal });
    pauseMs *= factor;
  }
  if (!policy.errorOnBackoffTimeout) return;
  const labels = missing.map(([label, value]) => `${label}=${value}`).join(', ');
  throw new SluiceError('TRIGGER_POLICY_FAILED', {
    message: `${describeObject(object)} did not get the labels ${labels} within ${steps} checks`,
    fix: 'Check why the object does not get them, or give policy.k8s.backoff more steps; `sluice retrigger --again` makes a new object',
    object,
  });
}
