/** Go templates with the functions that manifests use. */
import fc from 'fast-check';

const FIELDS = ['.Input', '.Input.a', '.Input.b', '.Input.list', '.Input.a.b', '.Input.x_y', '.Input.missing', '.Input.größe', '.Input.A']; // prettier-ignore
const LITERALS = ['"text"', '"1.9"', '"08"', '"0x1F"', '"1e3"', '"-7"', '" 5 "', '2', '1.5', '-3', 'true', 'nil', '""', '"2024-05-06"', '"été"']; // prettier-ignore
/** Functions with one argument after the name. */
const ONE = ['upper', 'lower', 'title', 'trim', 'int', 'int64', 'float64', 'toString', 'toJson', 'quote', 'len', 'first', 'last', 'floor', 'ceil', 'atoi', 'not', 'empty', 'kindOf', 'typeOf', 'b64enc', 'b64dec', 'sha256sum', 'keys | sortAlpha', 'join ","', 'default "d"', 'trunc 3', 'repeat 2', 'replace "a" "b"', 'contains "a"', 'hasPrefix "S2"', 'splitList "_"', 'printf "%v"', 'printf "%s"', 'printf "%d"', 'print', 'toDate "2006-01-02"', 'squote', 'nospace', 'camelcase', 'snakecase', 'abbrev 5', 'urlquery', 'js', 'html', 'regexMatch "^S2"', 'regexReplaceAll "[0-9]+" "ab12cd" ', 'ternary "y" "n"', 'coalesce', 'fromJson', 'toPrettyJson', 'sortAlpha', 'uniq', 'reverse', 'list', 'add1', 'toDecimal', 'semver', 'round 1']; // prettier-ignore
const TWO = ['add', 'sub', 'mul', 'div', 'mod', 'max', 'min', 'eq', 'ne', 'lt', 'gt', 'and', 'or', 'index', 'addf', 'mulf', 'maxf', 'cat', 'list', 'has', 'append', 'until', 'dict']; // prettier-ignore

const operand = fc.oneof(fc.constantFrom(...FIELDS), fc.constantFrom(...LITERALS));
const pipe = fc
  .tuple(operand, fc.array(fc.constantFrom(...ONE), { maxLength: 3 }))
  .map(([first, functions]) => [first, ...functions].join(' | '));
const call = fc
  .tuple(fc.constantFrom(...TWO), operand, operand, fc.option(fc.constantFrom(...ONE)))
  .map(([name, first, second, then]) => `${name} ${first} ${second}${then === null ? '' : ` | ${then}`}`);
const action = fc.oneof({ weight: 4, arbitrary: pipe }, { weight: 3, arbitrary: call });

const pieces = fc.oneof(
  { weight: 6, arbitrary: action.map((text) => `{{ ${text} }}`) },
  { weight: 3, arbitrary: fc.constantFrom(...FIELDS).map((field) => `{{${field}}}`) },
  { weight: 2, arbitrary: fc.constantFrom('text-', ' ', 'a.b', '}}', 'é', '<no value>', '$', '.') },
  { weight: 1, arbitrary: action.map((text) => `{{- if ${text} }}yes{{ else }}no{{ end -}}`) },
  { weight: 1, arbitrary: action.map((text) => `{{ with ${text} }}{{ . }}{{ end }}`) },
  { weight: 1, arbitrary: fc.constantFrom(...FIELDS).map((field) => `{{ range $k, $v := ${field} }}{{ $k }}={{ $v }};{{ end }}`) },
  { weight: 1, arbitrary: fc.constantFrom('{{$x:=.}}{{$x.Input.a}}', '{{ $i := .Input }}{{ $i.b | toJson }}', '{{ define "t" }}{{ .Input.a }}{{ end }}{{ template "t" . }}', '{{ index .Input "with.dot" }}', '{{ $.Input.a }}', '{{/* c */}}x', '{{ (index .Input "x-y") | toJson }}') },
); // prettier-ignore

export const templates = fc.array(pieces, { minLength: 1, maxLength: 3 }).map((parts) => parts.join(''));
