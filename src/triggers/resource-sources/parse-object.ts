/** Parses a resource source's text into one object. The text comes from servers that Sluice does not control. */
import { SluiceError, isSluiceError } from '../../errors/sluice-error';
import { isJsonObject, type JsonObject } from '../../event/json';
import { readJson, type JsonDocument } from '../../event/json-text';
import { toWorkingCopy } from '../../yaml/exact-numbers';

/** Reads one YAML document as Kubernetes does, with limits on time and memory and outside the main thread. */
export type ReadYamlObject = (text: string) => Promise<YamlReading>;
export type YamlReading =
  { readonly ok: true; readonly value: JsonDocument } | { readonly ok: false; readonly reason: string };

/**
 * Throws TRIGGER_SOURCE_UNREADABLE (permanent). `origin` names the source of the text in messages; the text itself is
 * never quoted.
 */
export async function parseObject(text: string, origin: string, readYaml: ReadYamlObject): Promise<JsonObject> {
  const refuse = (reason: string): SluiceError =>
    new SluiceError('TRIGGER_SOURCE_UNREADABLE', {
      message: `${origin} is not one object in YAML or JSON: ${reason}`,
      retryable: false,
    });
  const document = readJsonObject(text) ?? (await readDocument(text, readYaml, refuse));
  if (document instanceof SluiceError) throw refuse(document.message);
  const value = toWorkingCopy(document);
  if (!isJsonObject(value)) throw refuse('it holds something else');
  return value;
}

/** JSON is YAML too, but cheap enough to parse here. Returns undefined for text that is not JSON. */
function readJsonObject(text: string): JsonDocument | SluiceError | undefined {
  if (!/^\s*\{/.test(text)) return undefined;
  try {
    return readJson(text);
  } catch (error) {
    // YAML flow mappings begin like JSON; JSON that is nested too deeply is rejected as such.
    return isSluiceError(error) && !error.message.startsWith('invalid JSON') ? error : undefined;
  }
}

async function readDocument(
  text: string,
  readYaml: ReadYamlObject,
  refuse: (reason: string) => SluiceError,
): Promise<JsonDocument> {
  const documents = countDocuments(text);
  if (documents !== 1) throw refuse(`it holds ${documents} documents, expected one`);
  const reading = await readYaml(text);
  if (!reading.ok) throw refuse(reading.reason);
  return reading.value;
}

/** Counts non-empty documents: sections between lines of `---` that are more than comments and directives. */
function countDocuments(text: string): number {
  return text
    .split(/^---(?=\s|$)/m)
    .filter((section) => section.split('\n').some((line) => /^\s*[^\s#%]/.test(line) && !line.startsWith('...')))
    .length;
}
