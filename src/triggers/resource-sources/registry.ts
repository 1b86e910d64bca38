/** Every resource source, one line each, in the order in which Argo Events looks when several are set. */
import { parseAllDocuments } from 'yaml';
import { SluiceError } from '../../errors';
import { isJsonObject, type JsonObject } from '../../event/json';
import type { ResourceSource, ResourceSourceKind } from '../../manifest/triggers/resource-source';
import { readConfigMap } from './configmap';
import { readFileSource } from './file';
import { readGit } from './git';
import { readInline } from './inline';
import { readEmbeddedResource } from './resource';
import { readS3 } from './s3';
import { readUrl } from './url';
import type { ReadResource, ResourceContent, ResourceSourceContext } from './resource-source';

const readers: { [Kind in ResourceSourceKind]: ReadResource<NonNullable<ResourceSource[Kind]>> } = {
  s3: readS3,
  inline: readInline,
  file: readFileSource,
  url: readUrl,
  git: readGit,
  configmap: readConfigMap,
  resource: readEmbeddedResource,
};

/** Reads the object that a trigger's `source` names. Throws TRIGGER_SOURCE_UNREADABLE. */
export async function readResourceSource(source: ResourceSource, context: ResourceSourceContext): Promise<JsonObject> {
  const content = await readContent(source, context);
  return 'object' in content ? content.object : parseObject(content.text, content.origin);
}

async function readContent(source: ResourceSource, context: ResourceSourceContext): Promise<ResourceContent> {
  for (const kind of Object.keys(readers) as ResourceSourceKind[]) {
    const content = await readKind(kind, source, context);
    if (content) return content;
  }
  throw new SluiceError('TRIGGER_SOURCE_UNREADABLE', {
    message: 'the trigger has no source for its object',
    fix: `Set one of ${Object.keys(readers).join(', ')} under source`,
    retryable: false,
  });
}

function readKind<Kind extends ResourceSourceKind>(
  kind: Kind,
  source: ResourceSource,
  context: ResourceSourceContext,
): Promise<ResourceContent> | undefined {
  const spec = source[kind];
  return spec === undefined ? undefined : readers[kind](spec, context);
}

/** Throws TRIGGER_SOURCE_UNREADABLE (final); `origin` says in the message where the text came from. */
export function parseObject(text: string, origin: string): JsonObject {
  const refuse = (reason: string, cause?: unknown) =>
    new SluiceError('TRIGGER_SOURCE_UNREADABLE', {
      message: `${origin} is not one object in YAML or JSON: ${reason}`,
      retryable: false,
      cause,
    });
  const documents = parseAllDocuments(text).filter((document) => document.contents !== null);
  const [document] = documents;
  if (!document || documents.length > 1) throw refuse(`it holds ${documents.length} documents, expected one`);
  const [problem] = document.errors;
  if (problem) throw refuse(problem.message, problem);
  const value: unknown = document.toJS();
  if (!isJsonObject(value)) throw refuse('it holds something else');
  return value;
}
