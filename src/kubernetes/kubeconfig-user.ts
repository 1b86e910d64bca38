/** The name of the user of the current context of a kubeconfig, as `kubectl config view --minify` shows it. */
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { parse } from 'yaml';
import { isRecord } from './kubernetes-object';

type Environment = Readonly<Record<string, string | undefined>>;

/** Returns undefined without a readable kubeconfig. The name says nothing about the identity that the API server sees. */
export function kubeconfigUser(env: Environment): string | undefined {
  const paths = env['KUBECONFIG']?.split(delimiter).filter(Boolean) ?? [join(env['HOME'] ?? homedir(), '.kube/config')];
  const configs = paths.map(readConfig).filter((config) => config !== undefined);
  // As for kubectl, the first file that sets a value decides.
  const current = configs.map((config) => config['current-context']).find((name) => typeof name === 'string');
  for (const { contexts } of configs) {
    for (const entry of Array.isArray(contexts) ? contexts : []) {
      if (!isRecord(entry) || entry['name'] !== current || !isRecord(entry['context'])) continue;
      const { user } = entry['context'];
      return typeof user === 'string' && user !== '' ? user : undefined;
    }
  }
  return undefined;
}

function readConfig(path: string): Record<string, unknown> | undefined {
  try {
    const config: unknown = parse(readFileSync(path, 'utf8'));
    return isRecord(config) ? config : undefined;
  } catch {
    // Only a default name is looked for: whatever needs the file reports that it cannot be read.
    return undefined;
  }
}
