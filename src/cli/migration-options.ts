/** The options that say which part of a cluster `sluice migrate` looks at. */
import type { Command } from 'commander';
import { defaultNamespace } from '../control/applied-kinds';
import { SluiceError } from '../errors/sluice-error';
import { withMigration, type Migration } from '../migration/migration';
import { createProgress, type Progress } from './printing/progress';
import type { CliRuntime } from './runtime';

export interface ScopeOptions {
  namespace?: string;
  allNamespaces?: boolean;
  temporalNamespace?: string;
}

export function addScopeOptions(
  command: Command,
  { severalNamespaces }: { readonly severalNamespaces: boolean },
): Command {
  command.option('-n, --namespace <name>', 'Kubernetes namespace (default: SLUICE_NAMESPACE, default)');
  return severalNamespaces ? command.option('-A, --all-namespaces', 'every namespace of the cluster') : command;
}

/** Opens the cluster of the kubeconfig for `work`, and shows what takes long. */
export async function openMigration<Result>(
  { io }: CliRuntime,
  options: ScopeOptions,
  work: (migration: Migration, progress: Progress) => Promise<Result>,
): Promise<Result> {
  if (options.namespace !== undefined && options.allNamespaces === true) {
    throw new SluiceError('USAGE', { message: '-n and -A contradict each other', fix: 'Give one of them' });
  }
  const namespace = options.allNamespaces === true ? undefined : (options.namespace ?? defaultNamespace(io));
  const temporalNamespace = options.temporalNamespace ?? (io.env['TEMPORAL_NAMESPACE'] || 'default');
  const progress = createProgress(io);
  const scope = { namespace, temporalNamespace };
  try {
    return await withMigration(
      scope,
      io,
      (step) => progress.update(step),
      (migration) => work(migration, progress),
    );
  } finally {
    progress.end();
  }
}
