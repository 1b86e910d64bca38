/** Lua scripts that change an event, and filters. */
import fc from 'fast-check';

const EXPRESSIONS = ['event.a', 'event.b', 'event.list', 'event["with.dot"]', 'event["x-y"]', 'event.list and #event.list', 'event.list and event.list[1]', '1', '2.5', '"text"', 'true', 'nil', '{}', '{1, 2, 3}', '{x = 1, y = {2}}', '{1, nil, 3}', 'setmetatable({}, {__is_array = true})', '1e20', '-0', '1 / 3', 'string.upper(tostring(event.b == nil))', 'tonumber(event.a)', 'type(event.a)', '#tostring(event.A == nil)', 'string.sub("S2A_MSIL2A", 1, 3)', 'math.floor(3.7)', 'string.format("%05.1f", 3.14159)', '("x"):rep(3)', 'string.gsub("a1b2", "%d", "-")', 'table.concat({"a", "b"}, ",")', '10 % 3', '2 ^ 10', '"a" .. 1', '1 == 1.0', 'event.A == nil']; // prettier-ignore

const statements = fc.oneof(
  fc
    .tuple(fc.constantFrom('event.x', 'event.a', 'event["1"]', 'event.list'), fc.constantFrom(...EXPRESSIONS))
    .map(([place, value]) => `${place} = ${value}`),
  fc.constantFrom(
    'if type(event.a) == "table" then event.n = 1 end',
    'for k, v in pairs(event) do if type(v) == "string" then event.last = "s" end end',
    'if type(event.list) == "table" then for i, v in ipairs(event.list) do event.count = i end end',
    'local t = {}; for i = 1, 3 do t[i] = i * i end; event.squares = t',
  ),
);

export const luaScripts = fc
  .tuple(
    fc.array(statements, { maxLength: 3 }),
    fc.oneof(
      { weight: 4, arbitrary: fc.constant('event') },
      { weight: 2, arbitrary: fc.constantFrom(...EXPRESSIONS).map((value) => `{v = ${value}}`) },
      { weight: 1, arbitrary: fc.constantFrom(...EXPRESSIONS) },
    ),
  )
  .map(([lines, result]) => [...lines, `return ${result}`].join('\n'));

export const luaFilters = fc.oneof(
  fc
    .tuple(fc.constantFrom(...EXPRESSIONS), fc.constantFrom('==', '~='), fc.constantFrom(...EXPRESSIONS))
    .map(([left, operator, right]) => `return ${left} ${operator} ${right}`),
  fc.constantFrom('return true', 'return 1', 'return', 'event.a = 1; return event.a == 1', 'return event.a.b.c', 'x ='),
);
