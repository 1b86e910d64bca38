import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, parseAllDocuments } from 'yaml';
import { repoRoot } from '../../dev/repo-root';
import { temporalSettings } from '../../dev/temporal';
import type { KubernetesObject } from '../../src/kubernetes/kubernetes-object';
import { containerOf } from './deployed-pod';
import { readKustomization } from './deploy-manifests';

const FOLDER = 'deploy/quickstart';
const objects = readKustomization(FOLDER).resources.flatMap((file) =>
  parseAllDocuments(readFileSync(join(repoRoot, FOLDER, file), 'utf8')).map(
    (document) => document.toJS() as KubernetesObject,
  ),
);
const serverOf = (name: string) => {
  const found = objects.find(({ kind, metadata }) => kind === 'Deployment' && metadata.name === name);
  if (found === undefined) throw new Error(`no Deployment ${name}`);
  return containerOf(found);
};

describe('the servers of deploy/quickstart', () => {
  it('are of the images of docker-compose.yml', () => {
    const { services } = parse(readFileSync(join(repoRoot, 'docker-compose.yml'), 'utf8')) as {
      services: Record<string, { image: string }>;
    };
    const images = ['temporal', 'nats', 'redis-service'].map((name) => serverOf(name).image);
    expect(images).toEqual(['temporal', 'nats', 'redis'].map((name) => services[name]?.image));
  });

  it('give Temporal the settings and search attributes that dev/ gives it', () => {
    const found = serverOf('temporal').args.filter((setting) =>
      /^--(search-attribute|dynamic-config-value)=/.test(setting),
    );
    expect([...found].sort()).toEqual(
      temporalSettings()
        .map(([flag, value]) => `${flag}=${value}`)
        .sort(),
    );
  });

  it('have the addresses that docs/kubernetes.md installs the chart with, and examples/water-bodies names', () => {
    const addresses = objects.flatMap(({ kind, metadata, spec }) =>
      kind === 'Service'
        ? (spec as { ports: { port: number }[] }).ports.map(({ port }) => `${metadata.name ?? ''}:${port}`)
        : [],
    );
    const page = readFileSync(join(repoRoot, 'docs/kubernetes.md'), 'utf8');
    const named = [
      /temporal\.address=(\S+)/.exec(page)?.[1],
      /nats\.url=nats:\/\/(\S+)/.exec(page)?.[1],
      /hostAddress: (\S+)/.exec(readFileSync(join(repoRoot, 'examples/water-bodies/event-source.yaml'), 'utf8'))?.[1],
    ];
    expect(addresses).toEqual(expect.arrayContaining(named));
  });
});
