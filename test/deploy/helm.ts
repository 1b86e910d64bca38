/** The chart, as the real Helm renders and installs it. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { tools } from '../../dev/binaries/catalogue';
import { findBinary } from '../../dev/binaries/find-binary';
import { runCommand } from '../../dev/binaries/run-command';
import { createTemporaryFolder, removeFolder } from '../../dev/processes/temporary-folder';
import type { JsonObject } from '../../src/event/json';
import { parseKubernetesObject, type KubernetesObject } from '../../src/kubernetes/kubernetes-object';
import { CHART } from './chart-values';

export interface HelmOptions {
  readonly values?: JsonObject;
  readonly kubeconfigPath?: string;
  readonly namespace?: string;
}

/** `helm ARGS -f values -n namespace`, with no cache or repositories of the user's. */
export async function helm(args: readonly string[], options: HelmOptions = {}): Promise<string> {
  const { values, kubeconfigPath, namespace } = options;
  const folder = await createTemporaryFolder('helm');
  try {
    const valuesFile = join(folder, 'values.json');
    if (values !== undefined) await writeFile(valuesFile, JSON.stringify(values));
    const homes = ['CACHE', 'CONFIG', 'DATA'].map((name) => [`HELM_${name}_HOME`, join(folder, name)] as const);
    return await runCommand(
      await findBinary(tools.helm),
      [
        ...args,
        ...(values === undefined ? [] : ['-f', valuesFile]),
        ...(namespace === undefined ? [] : ['-n', namespace]),
      ],
      {
        env: { ...Object.fromEntries(homes), KUBECONFIG: kubeconfigPath ?? join(folder, 'no-kubeconfig') },
      },
    );
  } finally {
    await removeFolder(folder);
  }
}

/** `helm template` of release `sluice`. Each object names its namespace, or is of the whole cluster. */
export async function renderChart(values: JsonObject, namespace = 'sluice'): Promise<readonly KubernetesObject[]> {
  const text = await helm(['template', 'sluice', CHART], { values, namespace });
  return parseAllDocuments(text)
    .filter((document) => document.contents !== null)
    .map((document) => parseKubernetesObject(document.toJS(), 'deploy/helm/sluice'));
}
