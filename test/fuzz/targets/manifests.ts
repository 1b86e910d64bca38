import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { parseAllDocuments, stringify } from 'yaml';
import { repoRoot } from '../../../dev/repo-root';
import type { JsonValue } from '../../../src/event/json';
import { loadManifestText } from '../../../src/validation/load-manifests';
import { anyJson, mutated, mutatedJson } from '../random-text';
import { expectThat, hide, type OpenTarget } from '../target';

/** Manifests of the corpus, with letters and with fields changed: each is taken, or every mistake has a message. */
export function manifests(): OpenTarget {
  const folder = join(repoRoot, 'test', 'manifest', 'corpus', 'valid');
  const texts = readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8'));
  const documents = texts.flatMap((text) => parseAllDocuments(text).map((document) => document.toJS() as JsonValue));
  const written = fc.oneof(mutatedJson(documents), anyJson).map((document) => writtenAs(document));
  return hide({
    inputs: fc.oneof(mutated(fc.constantFrom(...texts)), written),
    async check(text) {
      const { documents: taken, problems } = await loadManifestText(text, 'fuzz.yaml');
      for (const { message, severity } of problems) {
        expectThat(message.trim() !== '', `a message with the ${severity}`);
        expectThat(
          !/\bundefined\b|\[object Object\]|\bat .*\.js:\d/.test(message.replaceAll(text, '')),
          `a message for people, got: ${message}`,
        );
      }
      const holdsSomething = text.replace(/^\s*(#.*)?$|^---\s*$|^\.\.\.\s*$|^\s*(null|~)\s*$/gm, '').trim() !== '';
      if (holdsSomething && taken.length === 0) expectThat(problems.length > 0, 'a manifest or a problem');
    },
  });
}

/** What is too deep for YAML's writer is written as JSON. */
function writtenAs(document: JsonValue): string {
  try {
    return stringify(document);
  } catch {
    return JSON.stringify(document);
  }
}
