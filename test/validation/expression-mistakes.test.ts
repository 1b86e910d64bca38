import { createExpressionEngine, createExpressionSyntax } from '../../src/expressions';
import { explainComplaint } from '../../src/validation/expression-mistakes';
import { showPlace } from '../../src/validation/expression-places';
import { loadManifestText } from '../../src/validation/load-manifests';
import { formatProblem } from '../../src/manifest/problem';
import type { ExpressionLanguage } from '../../src/expressions/engine';

const engine = createExpressionEngine({ timeLimitMs: 10_000 });
const syntax = createExpressionSyntax(engine);
afterAll(() => engine.close());

/** The place is marked by ‹› in `marked`. */
async function explain(language: ExpressionLanguage, marked: string) {
  const text = marked.replace('‹›', '');
  const complaint = await syntax.check(language, text);
  if (complaint === undefined) throw new Error(`it compiles: ${text}`);
  const { message, offset, fix } = explainComplaint(language, text, complaint);
  return { message, fix, marked: offset === undefined ? text : `${text.slice(0, offset)}‹›${text.slice(offset)}` };
}

describe('an expression that does not compile', () => {
  it.each<[ExpressionLanguage, string, RegExp | string, RegExp?]>([
    ['jq', '.a | ‹›from_json', 'unknown function from_json', /^Did you mean fromjson\?$/],
    ['jq', '.values\n| .b\n| ‹›toupper', 'unknown function toupper', /ascii_upcase/],
    ['jq', '"toupper" | ‹›toupper', 'unknown function toupper'],
    ['jq', '‹›split(",";"";"")', 'the function split takes 1 or 2 arguments, not 3', /;/],
    ['jq', '.a as $scene | ‹›$scen', 'unknown variable $scen', /\$scene/],
    ['jq', '"é" | ‹›| .b', 'unexpected |'],
    ['jq', '.a ‹›&& .b', 'unexpected &', /and instead of &&/],
    ['jq', '.a |‹›| .b', 'unexpected |', /or instead of \|\|/],
    ['jq', "‹›'a'", /unexpected/, /double quotes/],
    ['jq', '.a | map(.b‹›', 'ends too early', /^Close \( of column 9 with \)\.$/],
    ['jq', 'if .a then 1‹›\n', 'ends too early', /end/],
    ['jq', '.a ‹›@bas64', /unexpected/, /@base64/],
    ['jq', '.a ‹›@base64', /unexpected/, /pipe/],
    ['jq', '‹›import "a" as b; .', /load module/, /no modules/],
    ['lua', 'if x ‹›!= 1 then return true end', /unexpected/, /~=/],
    ['lua', 'return true\n\n‹›foo bar', 'unexpected "foo"'],
    ['lua', 'event.a ‹›+= 1', /unexpected/, /x = x \+ y/],
    ['lua', 'if event then‹›', 'ends too early', /end/],
    ['lua', 'x = ‹›"abc', 'a text does not end'],
    ['template', 'a\nb {{ ‹›trimx .c }}', 'unknown function trimx', /^Did you mean trim\?$/],
    ['template', '{{ .Input | ‹›b64encode }}', 'unknown function b64encode', /b64enc\?/],
    ['template', '{{ ‹›include "x" . }}', 'unknown function include', /Helm/],
    ['template', '{{ ‹›env "HOME" }}', 'unknown function env', /host/],
    ['template', '{{ ‹›.Input.scene-id }}', /key with -/, /index \.Input "scene-id"/],
    ['template', '{{ .a }} ‹›{{ .Input', 'unclosed action', /\}\}/],
    ['template', '‹›{{ range .Input.l }}{{ if . }}x{{ end }}', '{{ range }} without {{ end }}', /end/],
    ['template', '{{ ‹›$x }}', 'unknown variable $x', /:=/],
    ['govaluate', 'a ‹›= 1', 'unexpected =', /==/],
    ['govaluate', 'a == 1 ‹›and b', 'and cannot follow 1', /&&/],
    ['govaluate', '‹›len(a) > 1', 'unknown function len', /script/],
    ['govaluate', '‹›(a == 1', 'a bracket without its partner', /Close \(/],
    ['govaluate', 'a == 1‹›)', 'a bracket without its partner'],
    ['govaluate', 'a == ‹›"x', 'a text does not end'],
    ['govaluate', 'a ==‹›', 'ends too early'],
    ['expr', 'body.a ‹›= 1', 'unexpected =', /==/],
    ['expr', 'a\n&& b\n&& ‹›))', 'unexpected )'],
    ['expr', 'body[0‹›', 'ends too early', /Close \[/],
    ['expr', 'body.a =‹›~ "x"', /unrecognized/, /matches/],
    ['regex', '^S2‹›[AB', 'missing closing ]'],
    ['regex', 'a‹›(?=b)', /Perl syntax/, /look-ahead/],
  ])('%s: %j is reported with its place and a fix', async (language, marked, message, ...[fix]) => {
    const mistake = await explain(language, marked);
    expect(mistake.marked).toBe(marked);
    expect(mistake.message).toEqual(typeof message === 'string' ? message : expect.stringMatching(message));
    expect(mistake.fix ?? '').toMatch(fix ?? /.*/);
  });

  it('is shown with its line and a caret below the place', async () => {
    const text = `apiVersion: argoproj.io/v1alpha1
kind: Sensor
metadata: { name: scenes }
spec:
  dependencies:
    - name: scene
      eventSourceName: stac
      eventName: items
      transform:
        jq: |
          .body
          | .scene
          | from_json
  triggers: [{ template: { name: log, log: {} } }]
`;
    const { problems } = await loadManifestText(text, 'scenes.yaml', { expressions: syntax });
    expect(problems.map(formatProblem)).toEqual([
      `scenes.yaml:10:9: error: Sensor/scenes spec.dependencies[0].transform.jq: not a valid jq program, line 3, column 3: unknown function from_json
    found:    | from_json
                ^
    fix:      Did you mean fromjson?`,
    ]);
  });

  it('is truncated around the place if its line is long', () => {
    const text = `${'x'.repeat(200)}!${'y'.repeat(200)}`;
    const { where, found = '', caret = 0 } = showPlace(text, 200);
    expect({ where, at: found[caret], length: found.length < 80 }).toEqual({
      where: ', column 201',
      at: '!',
      length: true,
    });
    expect(found).toMatch(/^…x+!y+…$/);
  });

  it('never shows the password of a URL', () => {
    expect(JSON.stringify(showPlace('get("http://u:geheim@h") +', 25))).not.toContain('geheim');
  });
});
