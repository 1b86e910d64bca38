/** Keeps the certificate of the webhook in a Secret, for all replicas, and its authority in the webhook's configuration. */
import type { OpenCluster } from '../kubernetes/access';
import { isRecord, type KubernetesObject } from '../kubernetes/kubernetes-object';
import { objectPath } from '../kubernetes/object-path';
import { isConflict } from '../kubernetes/refusal';
import { renewCertificate, type ServingCertificate } from './certificates';

const FIELDS = {
  bundle: 'ca.crt',
  authorityKey: 'ca.key',
  certificate: 'tls.crt',
  key: 'tls.key',
} as const satisfies Record<keyof ServingCertificate, string>;
const ROUNDS = 5;

/**
 * Resolves with the certificate to serve, after renewing it in the Secret `name` if it is due. Throws the client's
 * errors; the Secret must exist, so that no right to create Secrets is needed.
 */
export async function keepCertificate(
  { client }: OpenCluster,
  name: string,
  now = new Date(),
): Promise<ServingCertificate> {
  const { namespace } = client;
  const path = objectPath({ apiVersion: 'v1', plural: 'secrets' }, namespace, name);
  const names = [`${name}.${namespace}.svc`, 'localhost'];
  for (let round = 1; ; round++) {
    const secret = await client.request<KubernetesObject>({ method: 'GET', path });
    const current = read(secret);
    const wanted = await renewCertificate(current, names, now);
    if (wanted === current) return current;
    try {
      const body = { ...secret, data: { ...(isRecord(secret['data']) ? secret['data'] : {}), ...write(wanted) } };
      await client.request({ method: 'PUT', path, body });
      return wanted;
    } catch (error) {
      // Another replica was faster: take what it wrote.
      if (!isConflict(error) || round === ROUNDS) throw error;
    }
  }
}

/** Writes the authority into each webhook of the configuration. Resolves with true if something changed. */
export async function publishAuthority({ client }: OpenCluster, name: string, bundle: string): Promise<boolean> {
  const resource = { apiVersion: 'admissionregistration.k8s.io/v1', plural: 'validatingwebhookconfigurations' };
  const path = objectPath(resource, undefined, name);
  const { webhooks } = await client.request<KubernetesObject>({ method: 'GET', path });
  const caBundle = Buffer.from(bundle).toString('base64');
  const patch = (Array.isArray(webhooks) ? webhooks : []).flatMap((webhook: unknown, index) => {
    const config = isRecord(webhook) ? webhook['clientConfig'] : undefined;
    if (!isRecord(config) || config['caBundle'] === caBundle) return [];
    const place = `/webhooks/${index}`;
    return [
      { op: 'test', path: `${place}/name`, value: isRecord(webhook) ? webhook['name'] : undefined },
      { op: 'add', path: `${place}/clientConfig/caBundle`, value: caBundle },
    ];
  });
  if (patch.length === 0) return false;
  await client.request({ method: 'PATCH', path, body: patch, contentType: 'application/json-patch+json' });
  return true;
}

function read({ data }: KubernetesObject): ServingCertificate | undefined {
  if (!isRecord(data)) return undefined;
  const field = (name: keyof ServingCertificate): string => {
    const value = data[FIELDS[name]];
    return typeof value === 'string' ? Buffer.from(value, 'base64').toString('utf8') : '';
  };
  const found = {
    bundle: field('bundle'),
    authorityKey: field('authorityKey'),
    certificate: field('certificate'),
    key: field('key'),
  };
  return Object.values(found).includes('') ? undefined : found;
}

function write({ bundle, authorityKey, certificate, key }: ServingCertificate): Record<string, string> {
  const encode = (text: string): string => Buffer.from(text).toString('base64');
  return {
    [FIELDS.bundle]: encode(bundle),
    [FIELDS.authorityKey]: encode(authorityKey),
    [FIELDS.certificate]: encode(certificate),
    [FIELDS.key]: encode(key),
  };
}
