/** Manifests that use every secret, once where it is right and once in every way in which it is refused. */
import { writeYaml } from '../../src/yaml/write-yaml';
import type { CanaryServers } from './canary-servers';

const apiVersion = 'argoproj.io/v1alpha1';
const SECRET = 'canaries';
const secret = (key: string) => ({ name: SECRET, key });
const HOST = '127.0.0.1';

export interface WebhookPorts {
  readonly plain: number;
  readonly tls: number;
}

export const WORKING = 'works';
export const FAILING = 'fails';

export function canaryManifests(servers: CanaryServers, ports: WebhookPorts, urlToken: string): string {
  const documents = [
    bus('default', servers.nats.url, 'bus-access'),
    bus('refused', servers.nats.url, 'wrong-access'),
    ...eventSources(servers, ports),
    sensor(WORKING, 'go', workingTriggers(servers), {
      'sluice.io/outcome-redis': `${HOST}:${servers.redis.port}`,
      'sluice.io/outcome-redis-password-secret': `${SECRET}/redis-password`,
      'sluice.io/outcome-streams': 'success=outcomes,failure=outcomes',
    }),
    sensor(FAILING, 'go', failingTriggers(servers, urlToken)),
    sensor('reports', 'called', { note: { log: {} } }),
    sensor('reads', 'entries', { note: { log: {} } }, {}, 'redis'),
    {
      ...sensor('unheard', 'called', { note: { log: {} } }),
      spec: { ...sensor('unheard', 'called', { note: { log: {} } }).spec, eventBusName: 'refused' },
    },
  ];
  return documents.map((document) => writeYaml(document)).join('---\n');
}

function bus(name: string, url: string, key: string): object {
  return {
    apiVersion,
    kind: 'EventBus',
    metadata: { name },
    spec: { jetstreamExotic: { url, accessSecret: secret(key) } },
  };
}

function eventSources({ nats, redis }: CanaryServers, { plain, tls }: WebhookPorts): object[] {
  const hostAddress = `${HOST}:${redis.port}`;
  const webhook = (endpoint: string, more: object = {}) => ({ port: String(plain), endpoint, ...more });
  const stream = (name: string, more: object) => ({ hostAddress, streams: [name], ...more });
  const source = (name: string, spec: object) => ({ apiVersion, kind: 'EventSource', metadata: { name }, spec });
  return [
    source('hooks', {
      webhook: {
        go: webhook('/go', { authSecret: secret('webhook-token') }),
        called: webhook('/called'),
        encrypted: {
          port: String(tls),
          endpoint: '/encrypted',
          serverCertSecret: secret('webhook-cert'),
          serverKeySecret: secret('webhook-key'),
        },
      },
    }),
    source('redis', {
      redisStream: {
        entries: stream('entries', { password: secret('redis-password') }),
        refused: stream('entries', { password: secret('wrong-password') }),
        encrypted: stream('entries', { password: secret('redis-password'), tls: { enabled: true } }),
        unreachable: { ...stream('entries', { password: secret('redis-password') }), hostAddress: `${HOST}:1` },
        'broken-key': stream('entries', {
          tls: {
            caCertSecret: secret('tls-ca'),
            clientCertSecret: secret('tls-cert'),
            clientKeySecret: secret('broken-key'),
          },
        }),
      },
      redis: {
        channel: { hostAddress, channels: ['channel'], password: secret('redis-password') },
        'not-redis': { hostAddress: `${HOST}:${nats.port}`, channels: ['channel'], password: secret('redis-password') },
      },
    }),
    source('unheard', {
      eventBusName: 'refused',
      redisStream: { entries: stream('entries', { password: secret('redis-password'), consumerGroup: 'unheard' }) },
    }),
  ];
}

type Triggers = Readonly<Record<string, object>>;

function sensor(
  name: string,
  eventName: string,
  triggers: Triggers,
  annotations: object = {},
  eventSourceName = 'hooks',
) {
  return {
    apiVersion,
    kind: 'Sensor',
    metadata: { name, annotations },
    spec: {
      dependencies: [{ name: 'event', eventSourceName, eventName }],
      triggers: Object.entries(triggers).map(([triggerName, template]) => ({
        template: { name: triggerName, ...template },
        retryStrategy: { steps: 2, duration: '100ms' },
      })),
    },
  };
}

const payload = [{ src: { dependencyName: 'event', dataKey: 'body.n' }, dest: 'n' }];
const submit = (source: object) => ({ argoWorkflow: { operation: 'submit', source } });

function workingTriggers({ nats, kafka, git, s3, mail, http, https }: CanaryServers): Triggers {
  const repository = { cloneDirectory: '/x', filePath: 'objects/one.yaml' };
  const creds = { username: secret('git-user'), password: secret('git-password') };
  const secureHeaders = [{ name: 'Authorization', valueFrom: { secretKeyRef: secret('http-header') } }];
  const create = (source: object) => ({ k8s: { operation: 'create', source } });
  return {
    'http-headers': {
      http: {
        url: `${http.url}/taken`,
        payload,
        basicAuth: { username: secret('http-user'), password: secret('http-password') },
        secureHeaders: [{ name: 'X-Api-Key', valueFrom: { secretKeyRef: secret('http-header') } }],
      },
    },
    'http-echo': { http: { url: `${http.url}/status/200`, payload, secureHeaders } },
    'http-tls': { http: { url: `${https.url}/taken`, payload, tls: clientTls('tls-key') } },
    nats: { nats: { url: nats.url, subject: 'elsewhere', payload, auth: natsAuth('nats-user', 'nats-password') } },
    kafka: { kafka: { url: kafka.broker, topic: 'scenes', payload, sasl: saslOf('kafka-password') } },
    email: { email: mailOf(mail.port, 'mail-password') },
    'git-http': create({ git: { ...repository, url: git.httpUrl, creds } }),
    'git-ssh': create({
      git: {
        ...repository,
        url: git.sshUrl,
        branch: 'other',
        sshKeySecret: secret('ssh-key'),
        insecureIgnoreHostKey: true,
      },
    }),
    s3: submit({ s3: s3Source(s3.endpoint, 's3-secret') }),
  };
}

function failingTriggers(
  { nats, kafka, redis, git, s3, mail, http, https }: CanaryServers,
  urlToken: string,
): Triggers {
  const secureHeaders = [{ name: 'Authorization', valueFrom: { secretKeyRef: secret('http-header') } }];
  const basicAuth = { username: secret('http-user'), password: secret('http-password') };
  const call = (url: string, more: object = {}) => ({ http: { url, payload, timeout: 10, secureHeaders, ...more } });
  const repository = { cloneDirectory: '/x', filePath: 'objects/one.yaml' };
  const ssh = { ...repository, url: git.sshUrl, insecureIgnoreHostKey: true };
  const wrongCreds = { username: secret('git-user'), password: secret('wrong-password') };
  const query = `?token=${urlToken}`;
  return {
    'http-refused-connection': call(`http://me:${urlToken}@${HOST}:1/${query}`),
    'http-no-such-host': call(`http://me:${urlToken}@no-such-host.invalid/${query}`),
    'http-401': call(`${http.url}/status/401${query}`),
    'http-403-basic': call(`${http.url}/status/403${query}`, { secureHeaders: [], basicAuth }),
    'http-500': call(`${http.url}/status/500${query}`),
    'http-redirect': call(`${http.url}/redirect${query}`),
    'http-untrusted': call(`${https.url}/taken${query}`),
    'http-broken-header': call(`${http.url}/taken`, {
      secureHeaders: [{ name: 'X-Broken', valueFrom: { secretKeyRef: secret('broken-header') } }],
    }),
    'http-broken-key': call(`${https.url}/taken`, { tls: clientTls('broken-key') }),
    'http-tls-to-plain': call(`${http.url.replace('http:', 'https:')}/taken`),
    'http-to-redis': call(`http://${HOST}:${redis.port}/`),
    'nats-wrong-password': {
      nats: { url: nats.url, subject: 'elsewhere', payload, auth: natsAuth('nats-user', 'wrong-password') },
    },
    'nats-wrong-token': {
      nats: { url: nats.url, subject: 'elsewhere', payload, auth: { token: secret('wrong-password') } },
    },
    'nats-broken-nkey': {
      nats: { url: nats.url, subject: 'elsewhere', payload, auth: { nkey: secret('wrong-password') } },
    },
    'nats-broken-credentials': {
      nats: { url: nats.url, subject: 'elsewhere', payload, auth: { credential: secret('broken-key') } },
    },
    'nats-refused-connection': {
      nats: { url: `nats://${HOST}:1`, subject: 'elsewhere', payload, auth: natsAuth('nats-user', 'nats-password') },
    },
    'kafka-wrong-password': { kafka: { url: kafka.broker, topic: 'scenes', payload, sasl: saslOf('wrong-password') } },
    'kafka-not-kafka': {
      kafka: {
        ...{ url: `${HOST}:${nats.port}`, topic: 'scenes', payload, sasl: saslOf('kafka-password') },
        tls: { enabled: true },
      },
    },
    'email-wrong-password': { email: mailOf(mail.port, 'wrong-password') },
    'email-not-smtp': { email: mailOf(nats.port, 'mail-password') },
    slack: { slack: { slackToken: secret('slack-token'), channel: 'scenes', message: 'hello' } },
    'slack-broken-token': { slack: { slackToken: secret('broken-header'), channel: 'scenes', message: 'hello' } },
    'git-wrong-password': submit({ git: { ...repository, url: git.httpUrl, creds: wrongCreds } }),
    'git-url-password': submit({ git: { ...repository, url: git.httpUrl.replace('://', `://reader:${urlToken}@`) } }),
    'git-stranger': submit({ git: { ...ssh, sshKeySecret: secret('stranger-key') } }),
    'git-broken-key': submit({ git: { ...ssh, sshKeySecret: secret('broken-key') } }),
    's3-wrong-secret': submit({ s3: s3Source(s3.endpoint, 'wrong-password') }),
    's3-broken-secret': submit({ s3: s3Source(s3.endpoint, 'broken-header') }),
    'url-401': submit({ url: { path: `${http.url}/status/401${query}` } }),
    'url-redirect': submit({ url: { path: `${http.url}/redirect${query}` } }),
    'missing-secret': call(`${http.url}/taken`, {
      secureHeaders: [{ name: 'X-None', valueFrom: { secretKeyRef: secret('none') } }],
    }),
  };
}

function clientTls(key: string): object {
  return { caCertSecret: secret('tls-ca'), clientCertSecret: secret('tls-cert'), clientKeySecret: secret(key) };
}

function natsAuth(user: string, password: string): object {
  return { basic: { username: secret(user), password: secret(password) } };
}

function saslOf(password: string): object {
  return { mechanism: 'PLAIN', userSecret: secret('kafka-user'), passwordSecret: secret(password) };
}

function mailOf(port: number, password: string): object {
  return {
    ...{ host: HOST, port, username: 'sluice', smtpPassword: secret(password) },
    ...{ from: 'sluice@example.com', to: ['ada@example.com'], subject: 'A new scene', body: 'It is here.' },
  };
}

function s3Source(endpoint: string, secretKey: string): object {
  return {
    endpoint,
    bucket: { name: 'bucket', key: 'one.json' },
    region: 'eu-central-1',
    insecure: true,
    accessKey: secret('s3-user'),
    secretKey: secret(secretKey),
  };
}
