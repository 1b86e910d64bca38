import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse } from 'yaml';
import { DevServerError } from '../dev-server-error';
import { repoRoot } from '../repo-root';
import type { ApiClient } from './api-client';

const CRD_PATH = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const TIMEOUT_MS = 30_000;

/** The part of a CustomResourceDefinition that this file reads. */
interface CustomResourceDefinition {
  spec: { group: string; names: { plural: string }; versions: { name: string }[] };
}

/** Installs the missing definitions of dev/kubernetes/crds, and waits until all are served. */
export async function installCrds(api: ApiClient): Promise<void> {
  const folder = join(repoRoot, 'dev', 'kubernetes', 'crds');
  const files = (await readdir(folder)).filter((name) => name.endsWith('.yaml'));
  const definitions = await Promise.all(
    files.map(async (name) => parse(await readFile(join(folder, name), 'utf8')) as CustomResourceDefinition),
  );
  await Promise.all(definitions.map((definition) => api.expect('POST', CRD_PATH, definition, [409])));
  await Promise.all(definitions.map((definition) => waitUntilServed(api, definition)));
}

async function waitUntilServed(api: ApiClient, { spec }: CustomResourceDefinition): Promise<void> {
  const path = `/apis/${spec.group}/${spec.versions[0]?.name}/${spec.names.plural}?limit=1`;
  const deadline = Date.now() + TIMEOUT_MS;
  for (;;) {
    const { status } = await api.send('GET', path);
    if (status === 200) return;
    if (Date.now() > deadline) throw new DevServerError(`the API server does not serve ${path} (HTTP ${status})`);
    await sleep(50);
  }
}
