/** Every resource source, one line each, in Argo Events' order of precedence. */
import { SluiceError } from '../../errors/sluice-error';
import type { JsonObject } from '../../event/json';
import type { ResourceSource, ResourceSourceKind } from '../../manifest/triggers/resource-source';
import { readConfigMap } from './configmap';
import { readFileSource } from './file';
import { readGit } from './git';
import { readInline } from './inline';
import { readEmbeddedResource } from './resource';
import { parseObject } from './parse-object';
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
  return 'object' in content ? content.object : await parseObject(content.text, content.origin, context.readYaml);
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
