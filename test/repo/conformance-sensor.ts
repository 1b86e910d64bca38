/** Sensors: dependencies, transforms, filters, conditions, parameters. */
import type { Section } from './conformance';
import { accepted, differs, refused, testsOf, unsupported } from './conformance-proofs';

const transforms = testsOf('test/matching/transforms.test.ts');
const filters = testsOf('test/matching/filters.test.ts');
const times = testsOf('test/matching/time-filter.test.ts');
const evaluation = testsOf('test/matching/evaluate-dependencies.test.ts');
const conditions = testsOf('test/sandbox/conditions/conditions.test.ts');
const resets = testsOf('test/sandbox/conditions/condition-resets.test.ts');
const state = testsOf('test/sandbox/sensor/dependency-state.test.ts');
const recent = testsOf('test/sandbox/sensor/recent-events.test.ts');
const parameters = testsOf('test/matching/parameters.test.ts');
const scenarios = testsOf('test/workflows/sensor/sensor-scenarios.ts');
const harm = testsOf('test/expressions/wasm-engine.test.ts');
const cli = testsOf('test/cli/test.test.ts');
const cluster = 'pods are yours to run (deploy/): no Deployment is made for each Sensor';

export const SENSOR_SECTIONS: readonly Section[] = [
  {
    title: '1.1 Sensor',
    rows: [
      ['`dependencies` and `triggers` are required', refused('sensor-empty.yaml')],
      [
        '`eventBusName`; empty means `default`',
        testsOf('test/cli/apply.integration.test.ts')('finds a bus that was applied before'),
      ],
      [
        '`template`, `replicas`, `revisionHistoryLimit` are accepted',
        accepted('sensor-all-fields.yaml'),
        unsupported(`no effect: ${cluster}`),
      ],
      ['`errorOnFailedRound`, `loggingFields` are accepted and have no effect', accepted('sensor-all-fields.yaml')],
      ['a changed spec takes effect by itself', scenarios('configure keeps the state that a change does not affect')],
      [
        'a deleted Sensor (Argo Events leaves its consumers and state behind)',
        scenarios('a deleted sensor leaves nothing on its bus'),
      ],
      [
        'secrets and config maps that the spec names; one trailing newline is removed',
        testsOf('test/kubernetes/secret-readers.integration.test.ts')(
          'are read from mounted files, then the environment, then the Kubernetes API, without one trailing newline',
        ),
        testsOf('test/kubernetes/secret-readers.integration.test.ts')('are read the same way, including binary keys'),
        differs('Secrets and ConfigMaps'),
      ],
      ['`status.conditions` on the object', unsupported('`sluice status` and the workflow in Temporal tell it')],
    ],
  },
  {
    title: '1.2 Dependencies',
    rows: [
      ['`name`, `eventSourceName`, `eventName` are required', refused('dependency-fields.yaml')],
      ['two dependencies of one name', differs('dependencies of one name; unknown dependencies in parameters')],
      ['an event belongs to a dependency by source and subject alone', cli('are matched by source and subject alone')],
      [
        'one event for several dependencies, each with its own filters',
        state('fires on the second of two dependencies that one event satisfies'),
        evaluation('evaluates many pairs in order, with one bad event affecting no other'),
      ],
      [
        'transform first, then filters, then the condition',
        cli('shows the result of the transform and of each filter with its reason'),
      ],
      [
        'an event that a filter or a failing transform rejects is acknowledged',
        differs('an event that a filter or transform rejects'),
      ],
      ['glob patterns in event names (STAN only)', unsupported('there is no STAN bus')],
    ],
  },
  {
    title: '1.3 Transforms',
    rows: [
      ['apply to data only; an event without data stays as it is', transforms('leaves an event without data as it is')],
      [
        'the root must be a JSON object',
        transforms('has an array as the root'),
        transforms('has a string as the root'),
      ],
      [
        'the result replaces the data; its content type becomes JSON',
        transforms('sets the content type to JSON, and keeps the context'),
      ],
      ['data that is not JSON fails', transforms('fails on data that is not JSON')],
      ['`jq` wins over `script`', transforms('prefers jq if a script is set too')],
      ['`jq`: the first output only', transforms('takes the first output only')],
      ['`jq`: the output must be an object', transforms('returns no object')],
      ['`jq`: a runtime error fails the event', transforms('fails')],
      ['`jq`: numbers are floating point', transforms('computes with floating point numbers')],
      [
        '`script`: `event` is the data, the result a table',
        transforms('changes the event'),
        transforms('returns no table'),
      ],
      [
        '`script`: null members, nested lists and nulls in lists are not seen',
        transforms('does not see null members'),
        transforms('does not see nested lists and nulls in lists'),
      ],
      [
        '`script`: a table with whole numbers is a list and loses its other keys',
        transforms('returns a list for a table with integer keys'),
      ],
      ['`script`: an empty table is an object', transforms('returns an object for an empty table')],
      ['`script`: `__is_array` makes a list', transforms('returns a list for a table that is marked as one')],
      ['`script`: the standard library of Lua', differs('Lua scripts'), harm('Lua cannot reach the host: %s')],
    ],
  },
  {
    title: '1.4 Filters: paths and values',
    rows: [
      ['keys, list indexes, counts', filters('finds a key'), filters('finds a list element'), filters('counts a list')],
      [
        'queries, wildcards, escaped dots',
        filters('queries a list'),
        filters('finds by wildcard'),
        filters('finds a key with a dot'),
      ],
      ['modifiers and pipes', filters('follows modifiers and pipes')],
      [
        'several paths, in brackets only',
        filters('joins several paths in brackets'),
        filters('does not support the comma form of the docs'),
      ],
      ['null exists', filters('treats null as existing')],
      [
        'values as text: numbers without exponent, objects as JSON',
        filters('reads numbers as text without exponent'),
        filters('reads objects as their JSON'),
      ],
      [
        'values as numbers: text that is none counts as 0, true as 1, null and objects as 0',
        filters('counts other text as 0'),
        filters('counts true as 1'),
        filters('counts null as 0'),
        filters('counts objects as 0'),
      ],
      [
        'values as booleans: text by its meaning, numbers unless 0, null false',
        filters('reads T as true'),
        filters('reads any number but 0 as true'),
        filters('reads null as false'),
      ],
    ],
  },
  {
    title: '1.4 Data filters',
    rows: [
      ['`path`, `type`, `value` are required', refused('filter-data.yaml')],
      ['`value`: one that fits is enough', filters('passes if any value matches')],
      [
        '`!=`: passes if any value differs',
        filters('!= passes if any value differs'),
        filters('!= with two different values always passes'),
      ],
      ['a missing path does not pass', filters('rejects a missing path')],
      [
        '`template` changes the value first; `.Input` is text',
        filters('changes the value by a template'),
        filters('passes any value to a template as text'),
      ],
      [
        'a template that gives nothing is an error',
        filters('fails if a template returns nothing'),
        filters('fails if a template returns no value'),
      ],
      ['`bool` ignores the comparator', filters('ignores the comparator of a bool')],
      [
        '`number` with every comparator',
        filters('compares ='),
        filters('compares >='),
        filters('compares >'),
        filters('compares <'),
        filters('compares <='),
        filters('compares !='),
      ],
      ['`string`: an RE2 expression, unanchored', filters('matches unanchored'), filters('takes RE2 flags')],
      ['`string` with an order comparator never passes', filters('does not order text')],
      [
        'an earlier value that fits hides a bad one',
        filters('does not evaluate a bad pattern after a match'),
        filters('does not evaluate a bad number after a match'),
      ],
      ['bad values are errors', refused('filter-data-values.yaml'), refused('filter-regex.yaml')],
    ],
  },
  {
    title: '1.4 Other filters',
    rows: [
      [
        '`exprs`: operators, regular expressions, `in`, `?:`, `??`',
        filters('text =~ "^Op"'),
        filters('text in ("Closed", "Opened")'),
        filters('(n > 20 ? "big" : "small") == "small"'),
        filters('(none ?? "default") == "default"'),
      ],
      ['`exprs`: text that looks like a date is a time', filters("n == '2014-01-02'")],
      ['`exprs`: only `true` passes', filters('n + 1')],
      ['`exprs`: other types compared in order are an error', filters('text > 3')],
      ['`exprs`: a missing field does not pass', filters('rejects if a field is missing')],
      ['`exprs`: `expr` and `fields` are required', refused('filter-expr.yaml')],
      [
        '`context`: `type`, `subject`, `source`, `datacontenttype` must be equal; the rest is ignored',
        filters('%j is %s'),
      ],
      ['`context` without fields', refused('filter-context.yaml')],
      [
        '`time`: from start to just before stop, over midnight, by the event’s own time and zone',
        times('at %s in %s to %s (%s): %s'),
      ],
      ['`time`: on the days when the clock changes', differs('time filter on the day when the clock changes')],
      ['`time`: equal start and stop, bad zone', refused('filter-time-equal.yaml'), refused('filter-time.yaml')],
      ['`script`: only `true` passes, the root must be an object', filters('return 1'), filters('return true')],
      ['a script that does not end', differs('a jq program, script or template that does not end')],
    ],
  },
  {
    title: '1.4 Filters together',
    rows: [
      [
        '`dataLogicalOperator`, `exprLogicalOperator`: `and` by default, `or`',
        filters('data: all must pass'),
        filters('data under or: one that passes is enough'),
        filters('exprs under or'),
      ],
      [
        '`filtersLogicalOperator`: all kinds, or one',
        filters('kinds: all must pass'),
        filters('kinds under or: one is enough'),
      ],
      ['empty filters: pass under `and`, not under `or`', filters('no filters'), filters('empty filters under or')],
      ['an error beside a filter that passes, under `or`', differs('an error in a filter under `or`')],
      ['an error under `and` rejects', filters('kinds under and: an error')],
      ['no data: filters on data pass', filters('pass an event without data through filters that read the data')],
      ['data that is not JSON is an error', filters('fail on data that is not JSON, and read JSON in bytes')],
      ['operators in lower case only', refused('filter-operators.yaml')],
    ],
  },
  {
    title: '1.5 Conditions',
    rows: [
      ['`&&`, `||`, parentheses; `&&` binds tighter', conditions('binds && tighter than ||, as Argo Events does')],
      [
        '`!`, `and`, a single `&`, unknown names are errors',
        conditions('rejects %j and names position %d'),
        conditions('rejects an unknown dependency'),
      ],
      [
        'empty means all dependencies',
        conditions('uses all dependencies if the condition is %j'),
        state('needs all dependencies when the trigger has no condition'),
      ],
      ['names with dots, leading digits, `in`', differs('dependency names in `conditions`')],
      ['a bad condition', differs('a bad condition or reset schedule'), refused('conditions.yaml')],
      ['without `&&` no state: every event fires', state('keeps no state without &&')],
      [
        'the latest event of each dependency wins',
        state('uses the latest event of each dependency'),
        scenarios('a && b fires once with the latest event of each'),
      ],
      ['a fire clears what was held', state('starts over after a fire')],
      [
        'leftovers of other branches go along and are cleared',
        state('includes held events of other branches'),
        state('clears events of other branches'),
      ],
      ['state is per trigger', state('keeps the state of each trigger apart')],
      [
        'state survives restarts',
        testsOf('test/sandbox/sensor/dependency-state.property.test.ts')(
          'does the same whether or not it is carried over continue-as-new after every step',
        ),
      ],
      [
        'a changed dependency or condition loses its state, the rest keeps it',
        state('purges a changed dependency from all triggers'),
        state('purges only the triggers whose condition changed'),
      ],
      ['a condition that is only written differently', differs('a condition that is only written differently')],
      [
        'an event delivered again',
        differs('an event delivered again'),
        recent('recognises an event, for its own dependency only'),
      ],
      ['`conditionsReset`: cron of five fields, `TZ=` prefix', resets('%j in %j around %s'), resets('rejects %j')],
      ['`conditionsReset`: clears what is held', state('clears what is held at each tick')],
      [
        '`conditionsReset`: a tick missed while down is made up for',
        state('catches up on a tick that passed while no worker ran'),
      ],
      [
        '`conditionsReset`: time zone',
        state('resets in the time zone of the schedule'),
        resets('rejects an unknown time zone'),
      ],
      ['`conditionsReset` and late events', differs('`conditionsReset` and late events')],
    ],
  },
  {
    title: '1.8 Parameters: where a value comes from',
    rows: [
      [
        'no event of the dependency: default, or the parameter is skipped',
        parameters('does not exist, or is the default, if the dependency has no event in this fire'),
        parameters('skip a dependency without event'),
      ],
      [
        'nothing selected: default, or the whole event with base64 data',
        parameters('is the default if nothing is selected'),
        parameters('is the whole event if nothing is selected: context, and the data in base64'),
      ],
      ['data wins over context', parameters('prefers the data to the context')],
      ['JSON and YAML content; other content is an error', parameters('reads YAML content, and rejects other content')],
      [
        'template first, then key, then default',
        parameters('prefers the template to the key'),
        parameters('falls back from an empty template to the key'),
        parameters('falls back from a missing key to the default'),
      ],
      [
        'templates print as Go does',
        parameters('prints numbers of a template as Go does'),
        parameters('prints objects of a template as Go does'),
      ],
      ['`env`, `expandenv` in templates', differs('templates and source filters')],
      [
        '`contextKey`, `contextTemplate`; time in whole seconds',
        parameters('comes from the context'),
        parameters('comes from a template over the context'),
        parameters('has the time in whole seconds'),
      ],
      ['nothing to be had is an error', parameters('no value and no default')],
      ['a dependency that does not exist', differs('dependencies of one name; unknown dependencies in parameters')],
    ],
  },
  {
    title: '1.8 Parameters: where it goes',
    rows: [
      ['text, unless `useRawData`', parameters('write numbers as text'), parameters('write raw data if asked to')],
      [
        'templates and defaults are text also with `useRawData`',
        parameters('write templates as text, also raw'),
        parameters('write defaults as text, also raw'),
      ],
      [
        '`overwrite`, `append`, `prepend` (as text)',
        parameters('overwrite'),
        parameters('append text'),
        parameters('prepend text'),
        parameters('append to a non-string as to a string'),
      ],
      ['`append` to nothing sets', parameters('append to a missing value by setting it')],
      ['another operation', refused('parameters-shape.yaml')],
      [
        '`dest`: `-1`, padding, `:1`, `\\.`',
        parameters('append a list element'),
        parameters('pad a list'),
        parameters('force an object key'),
        parameters('escape dots in keys'),
      ],
      [
        '`dest`: missing levels are made, a scalar in the way is replaced',
        parameters('create what is missing'),
        parameters('replace a scalar in the way'),
      ],
      [
        '`dest`: a name as index of a list, an empty path are errors',
        parameters('a name as a list index'),
        parameters('an empty destination'),
      ],
      [
        '`dest`: queries change what they find, and nothing else',
        parameters('update what a query finds'),
        parameters('ignore a query that finds nothing'),
      ],
      ['in order, each sees the former', parameters('see the results of earlier parameters')],
      ['`payload`: from nothing, operation ignored', parameters('is built from an empty document, for any operation')],
      ['`payload`: an empty `dest` is the whole payload', parameters('is the value itself, as text, if dest is empty')],
      [
        '`payload` and dynamic headers without event',
        differs('a payload or dynamic header whose dependency has no event'),
      ],
      ['`parameters` of the template itself', cli('applies parameters of the template before those of the resource')],
    ],
  },
];
