/** The commands of Temporal's own CLI that docs/temporal-ui.md tells people to type. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repoRoot } from '../../dev/repo-root';

const PAGE = join(repoRoot, 'docs', 'temporal-ui.md');

export interface DocumentedCommand {
  /** As on the page, its lines joined. */
  readonly text: string;
  /** What it does, without what differs from system to system: `signal retrigger run/default/flood-watch/… overrides`. */
  readonly gist: string;
  /** JSON of `--input`; empty where there is none. */
  readonly input: string;
}

export function readDocumentedCommands(): readonly DocumentedCommand[] {
  const page = readFileSync(PAGE, 'utf8');
  const lines = [...page.matchAll(/```sh\n([^]*?)```/g)].flatMap(([, block = '']) =>
    block.replace(/\s*\\\n\s*/g, ' ').split('\n'),
  );
  return lines.filter((line) => line.startsWith('temporal ')).map(readCommand);
}

/** Rows of the table of search attributes: a query for each. */
export function readDocumentedQueries(): readonly string[] {
  const page = readFileSync(PAGE, 'utf8');
  return [...page.matchAll(/^\| `Sluice\w+` .*\| `(.+?)` +\|$/gm)].map(([, query = '']) => query);
}

function readCommand(text: string): DocumentedCommand {
  const [, input = ''] = /--input '(.*?)'/.exec(text) ?? [];
  const [, verb = ''] = /^temporal workflow (.+?) -/.exec(text) ?? [];
  const [, target = 'of a query'] = /-w '?([^' ]+)/.exec(text) ?? [];
  const [, name = ''] = /--name (\S+)/.exec(text) ?? [];
  const fields = input === '' ? [] : Object.keys(JSON.parse(input) as object);
  const particular = fields.filter((field) => field !== 'by' && field !== 'why');
  return { text, input, gist: [verb, name, target, ...particular].filter((word) => word !== '').join(' ') };
}
