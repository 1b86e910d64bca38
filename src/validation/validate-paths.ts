/** Paths in the notation of another tool: with them Argo Events finds nothing, and writes to another place. */
import { describeValue, type Findings } from '../manifest/problem';

/** Advice on longer texts would take up to the square of their length. */
const LONGEST_ADVISED = 10_000;

/** gjson: paths that read. sjson: paths that write. */
export function warnOfPath(path: string | undefined, use: 'reads' | 'writes', findings: Findings): void {
  const meant = path === undefined || path.length > LONGEST_ADVISED ? undefined : inGjson(path);
  if (meant === undefined || meant === path) return;
  const effect = use === 'reads' ? 'finds nothing' : 'writes to a key of that name';
  findings.warning(`${effect}: this is not how Argo Events writes paths`, {
    found: describeValue(path),
    fix: `Write ${meant}.`,
  });
}

/** `$.body.items[0].id`, `.body.id` and `['a'].b` → `body.items.0.id`, `body.id`, `a.b`. */
function inGjson(path: string): string {
  if (/[#@{|"\\(*?]/.test(path)) return path;
  return path
    .replace(/^\$(?=[.[])/, '')
    .replace(/^\.(?!\.)/, '')
    .replace(/(^|[^.[\],\s])?\[(\d+|'[^'\]]*')\]/g, (whole, before: string | undefined, inside: string) => {
      if (before === undefined && /^\d/.test(inside)) return whole;
      return `${before ?? ''}${before === undefined ? '' : '.'}${inside.replaceAll("'", '')}`;
    });
}

/** A template that does not use its value gives the same result for every event. */
export function warnOfTemplate(template: string | undefined, what: string, findings: Findings): void {
  if (template === undefined || template === '' || template.length > LONGEST_ADVISED || /\.Input\b|\$/.test(template))
    return;
  const field = /\{\{[^}]*?(?:^|[\s({])\.([A-Za-z_][\w.]*)/.exec(template)?.[1];
  if (field === undefined && template.includes('{{')) return;
  findings.warning(field === undefined ? `does not read ${what}, so it is the same text each time` : 'reads nothing', {
    found: describeValue(template),
    fix:
      field === undefined
        ? 'Write {{ .Input }} with the path behind it, or use value for a constant.'
        : `Write .Input.${field}: ${what} is .Input.`,
  });
}
