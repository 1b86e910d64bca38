/**
 * One evaluation of every kind. A new thread runs them before its first batch, because WebAssembly compiles a function
 * when it is first called: otherwise the compilation would count against the time limit of the first event of each
 * kind.
 */
import type { ExpressionRequest } from './engine';

const data = { a: 1, text: 'x', list: [1, 'two', null] };

export const WARM_UP: readonly ExpressionRequest[] = [
  { kind: 'jq', program: '{a: (.list | map(tostring) | join("-")), b: (.text | test("x"))} | .a |= ascii_upcase', data },
  { kind: 'luaFilter', script: 'return string.find(event.text, "x") ~= nil', data },
  { kind: 'luaTransform', script: 'event.a = event.a + 1; return event', data },
  { kind: 'template', template: '{{ range .Input.list }}{{ . | toString | upper }}{{ end }}{{ .Input.a | int }}', input: data },
  { kind: 'dataFilter', filter: { path: 'list.#', type: 'number', comparator: '>', value: ['2'] }, data },
  { kind: 'dataFilter', filter: { path: 'text', type: 'string', value: ['^x+$'] }, data },
  { kind: 'govaluate', expression: 'a > 0 && text =~ "x"', fields: [{ name: 'a', path: 'a' }, { name: 'text', path: 'text' }], data },
  { kind: 'expr', expression: 'sprig.hasPrefix("x", text) and a == 1', data },
  { kind: 'get', path: 'list.#(>0)#', data },
  { kind: 'set', path: 'list.-1', value: '4', isJson: true, document: data },
  { kind: 'yaml', text: 'a: [1, two]' },
]; // prettier-ignore
