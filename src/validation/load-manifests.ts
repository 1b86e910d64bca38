/** Reads files and folders of manifests, and reports their mistakes with file and line. */
import { checkExpressions, collectEventSourceExpressions, collectSensorExpressions } from './expressions';
import type { ExpressionSyntax } from '../expressions/expression-syntax';
import { closestMatch } from '../text/closest-match';
import { API_VERSION, type KubernetesFields } from '../manifest/common';
import { roundFields, withExactObjects } from './exact-objects';
import type { ManifestDocument, OtherObject } from './manifest-document';
import { findManifestFiles, type ManifestFile } from './manifest-files';
import { isFields } from '../manifest/fields';
import { findHelm } from '../yaml/helm';
import { MANIFEST_KINDS, checkManifest, objectLabel } from './parse-manifest';
import type { Manifest, ManifestKind } from './parse-manifest';
import { describeValue, formatPath, limitFindings, type Finding, type Problem } from '../manifest/problem';
import { crossCheck } from './cross-check';
import { findExcess } from './manifest-size';
import { readJsonDocument, readYamlDocuments, type SourceDocument } from '../yaml/yaml-documents';

export interface LoadedManifests {
  /** Every object without errors, in the order of the files. */
  readonly documents: readonly ManifestDocument[];
  readonly problems: readonly Problem[];
  /** Files in folders that contain no Kubernetes object, and named files that contain nothing but comments. */
  readonly skipped: readonly string[];
}

export interface LoadOptions {
  /** Checks jq, Lua, templates and expressions; without it only regular expressions are checked, roughly. */
  readonly expressions?: ExpressionSyntax;
  /** The text is the JSON of one object that no person wrote: it has no lines to report. */
  readonly isJson?: boolean;
  /** For `-`; default: the standard input of the process. */
  readonly stdin?: NodeJS.ReadableStream;
}

/**
 * Reads manifests from files, folders (all `.yaml`, `.yml` and `.json` below them) and `-` for standard input. Never
 * throws for their contents or for a missing path: both are problems of severity `error`.
 */
export async function loadManifests(paths: readonly string[], options: LoadOptions = {}): Promise<LoadedManifests> {
  const { files, problems } = await findManifestFiles(paths, options.stdin ?? process.stdin);
  return checkFiles(files, problems, options);
}

/** The same for text that was read elsewhere; `file` is the name that problems report. */
export async function loadManifestText(
  text: string,
  file: string,
  options: LoadOptions = {},
): Promise<LoadedManifests> {
  return checkFiles([{ file, text, isFromFolder: false }], [], options);
}

async function checkFiles(
  files: readonly ManifestFile[],
  readProblems: readonly Problem[],
  options: LoadOptions,
): Promise<LoadedManifests> {
  const documents: ManifestDocument[] = [];
  const problems: Problem[] = [...readProblems];
  const skipped: string[] = [];
  for (const { file, text, isFromFolder } of files) {
    if (isFromFolder && !mentionsObject(text)) {
      skipped.push(file);
      continue;
    }
    const { documents: sources, mistakes } =
      options.isJson === true ? readJsonDocument(text) : await readYamlDocuments(text, options.expressions?.readYaml);
    problems.push(...mistakes.map((mistake): Problem => ({ severity: 'error', file, ...mistake })));
    const isEmpty = isFromFolder ? !sources.some(({ value }) => looksLikeObject(value)) : sources.length === 0;
    if (mistakes.length === 0 && isEmpty) {
      skipped.push(file);
      continue;
    }
    for (const source of sources) {
      const { manifest, findings } = await checkDocument(roundFields(source.value), options.expressions);
      const warnings = manifest?.kind === 'other' ? [] : source.warnings;
      problems.push(...limitFindings([...warnings, ...findings]).map((finding) => toProblem(finding, file, source)));
      if (manifest === undefined) continue;
      documents.push({ ...withExactObjects(manifest), origin: { file, line: source.positionOf([])?.line ?? 1 } });
    }
  }
  problems.push(...crossCheck(documents));
  return { documents, problems, skipped };
}

/** Folders contain other files too: values of a Helm chart, a package.json. */
function mentionsObject(text: string): boolean {
  return /^[ \t{]*["']?(?:apiVersion|kind)["']?\s*:/m.test(text) || /"(?:apiVersion|kind)"\s*:/.test(text);
}

function looksLikeObject(value: unknown): boolean {
  return isFields(value) && ['apiVersion', 'kind', 'metadata', 'spec'].filter((field) => field in value).length >= 2;
}

async function checkDocument(
  value: unknown,
  syntax: ExpressionSyntax | undefined,
): Promise<{ manifest?: Manifest | OtherObject; findings: readonly Finding[] }> {
  const excess = findExcess(value);
  if (excess !== undefined) return { findings: [excess] };
  const identity = identify(value);
  if ('findings' in identity) return identity;
  if (identity.kind === 'other') return { manifest: identity, findings: [] };
  const helm = findHelm(value);
  // Other mistakes may disappear once it is rendered.
  if (helm?.severity === 'error') return { findings: [helm] };
  const { manifest, findings: found } = checkManifest(identity.kind, value);
  const findings = helm === undefined ? found : [...found, helm];
  if (manifest === undefined) return { findings };
  const mistakes = await checkExpressions(expressionsOf(manifest), syntax);
  return { manifest: mistakes.length === 0 ? manifest : undefined, findings: [...findings, ...mistakes] };
}

function expressionsOf(manifest: Manifest) {
  switch (manifest.kind) {
    case 'EventBus':
      return [];
    case 'EventSource':
      return collectEventSourceExpressions(manifest.object);
    case 'Sensor':
      return collectSensorExpressions(manifest.object);
  }
}

/** The kind of a document, or why it is not a Kubernetes object at all. */
function identify(value: unknown): { kind: ManifestKind } | OtherObject | { findings: Finding[] } {
  if (!isFields(value)) {
    const message = 'not a Kubernetes object';
    return { findings: [{ severity: 'error', path: [], message, found: describeValue(value), expected: 'an object' }] };
  }
  const { apiVersion, kind } = value;
  for (const [field, text] of Object.entries({ apiVersion, kind })) {
    if (typeof text === 'string' && text !== '') continue;
    const expected = field === 'kind' ? `text such as ${MANIFEST_KINDS.join(', ')}` : `text such as ${API_VERSION}`;
    const message = 'every object needs apiVersion and kind';
    return { findings: [{ severity: 'error', path: [field], message, found: describeValue(text), expected }] };
  }
  const ours = MANIFEST_KINDS.find((name) => name === kind);
  const isArgo = typeof apiVersion === 'string' && apiVersion.startsWith('argoproj.io/');
  if (ours !== undefined && (isArgo || apiVersion === 'v1alpha1')) return { kind: ours };
  if (ours !== undefined && typeof apiVersion === 'string' && isMisspelt(apiVersion)) {
    const found = describeValue(apiVersion);
    return {
      findings: [
        {
          severity: 'error',
          path: ['apiVersion'],
          message: `unknown apiVersion for a ${ours}`,
          found,
          expected: API_VERSION,
        },
      ],
    };
  }
  if (isArgo && kind === 'Gateway') {
    const message = 'Argo Events has no Gateways since version 1.0';
    const fix = 'Write its event sources as an EventSource; sensors name them by eventSourceName and eventName.';
    return { findings: [{ severity: 'error', path: ['kind'], message, fix }] };
  }
  const meant = isArgo && typeof kind === 'string' && !OTHER_ARGO_KINDS.has(kind) && closestMatch(kind, MANIFEST_KINDS);
  if (meant) {
    const finding: Finding = {
      severity: 'error',
      path: ['kind'],
      message: 'unknown kind',
      found: describeValue(kind),
      fix: `Did you mean ${meant}?`,
    };
    return { findings: [finding] };
  }
  return { kind: 'other', object: value as KubernetesFields };
}

/** Other groups may have kinds of these names; a group that is nearly Argo's is a typing error. */
function isMisspelt(apiVersion: string): boolean {
  const [group = ''] = apiVersion.toLowerCase().split('/');
  return group.includes('argoproj') || closestMatch(group, ['argoproj.io']) !== undefined;
}

/** Kinds of Argo's own group that must not be treated as a misspelling of ours. */
const OTHER_ARGO_KINDS: ReadonlySet<string> = new Set(['WorkflowEventBinding']);

/** Quotes a number as it was written: its quotes must keep `0644` and every digit of an id. */
function asWritten<Message extends Pick<Finding, 'found' | 'fix'>>(finding: Message, number?: string): Message {
  const { found, fix } = finding;
  if (number === undefined || found === undefined) return finding;
  const read = /^number (.+)$/.exec(found)?.[1];
  if (read === undefined || read === number) return finding;
  return { ...finding, found: `number ${number}`, fix: fix?.replace(JSON.stringify(read), JSON.stringify(number)) };
}

function toProblem({ path, ...finding }: Finding, file: string, source: SourceDocument): Problem {
  return {
    ...asWritten(finding, source.numberAt(path)),
    file,
    ...source.positionOf(path),
    object: objectLabel(source.value),
    path: formatPath(path),
  };
}
