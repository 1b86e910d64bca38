/** What each kind of trigger sends of an event that JavaScript cannot hold: its numbers and keys as they were sent. */
import { resolveFire } from '../../activities/firing/resolve-fire';
import { takeFire } from '../../activities/firing/unresolved-fire';
import type { CloudEvent } from '../../src/event/cloud-event';
import { dataAttributes } from '../../src/event/event-data';
import type { JsonValue } from '../../src/event/json';
import { readJson } from '../../src/event/json-text';
import { writeExactly } from '../../src/yaml/exact-numbers';
import { createExpressionEngine } from '../../src/expressions';
import type { TriggerParameter } from '../../src/manifest/parameters';
import type { TriggerSpec } from '../../src/manifest/sensor';
import { createTriggers } from '../../src/triggers/registry';
import { createTriggerWorld, failureOf, SCENE_EVENT } from './trigger-world';

const BODY = '{"id":9007199254740993,"b":10.00,"2":-0,"a":1,"a":{"n":1e3}}';
const engine = createExpressionEngine();
afterAll(() => engine.close());

function eventOf(text: string, id = SCENE_EVENT.id): CloudEvent {
  const { data: _data, ...attributes } = SCENE_EVENT;
  return { ...attributes, id, ...dataAttributes(readJson(text)) };
}

const from = (dataKey: string, dest: string, useRawData = true): TriggerParameter => ({
  src: { dependencyName: 'scene', dataKey, useRawData },
  dest,
});

/** What the trigger would send, without the word of any server. */
async function previewOf(
  template: Omit<TriggerSpec['template'], 'name'>,
  trigger: Partial<TriggerSpec> = {},
  scene = eventOf(`{"body":${BODY}}`),
): Promise<JsonValue | undefined> {
  const triggers = createTriggers(createTriggerWorld());
  const resolved = await resolveFire(
    {
      ...{ sensor: { namespace: 'argo', name: 'water' }, runId: 'run/argo/water/1', fireId: 'fire-1' },
      trigger: { ...trigger, template: { name: 'notify', ...template } },
      events: { scene },
    },
    { triggers, engine, signal: new AbortController().signal },
  );
  return triggers.preview(resolved);
}

const WORKFLOW = {
  ...{ apiVersion: 'argoproj.io/v1alpha1', kind: 'Workflow', metadata: { name: 'w' } },
  spec: { workflowTemplateRef: { name: 't' }, arguments: { parameters: [{ name: 'p', value: 'x' }] } },
};

describe('an event with numbers beyond double precision is sent unchanged', () => {
  it('by http, as the whole body and as a part of it', async () => {
    const http = (payload: TriggerParameter[]) => ({ http: { url: 'http://localhost/', payload } });
    expect(await previewOf(http([from('body', '')]))).toMatchObject({ body: BODY });
    const parts = http([from('body', 'doc'), from('body.id', 'ids.-1'), from('body.id', 'text', false)]);
    expect(await previewOf(parts)).toMatchObject({
      body: `{"doc":${BODY},"ids":[9007199254740993],"text":"9007199254740993"}`,
    });
  });

  it('by nats, kafka and a custom server', async () => {
    const payload = [from('body', 'doc')];
    const body = `{"doc":${BODY}}`;
    expect(await previewOf({ nats: { url: 'nats://localhost', subject: 'x', payload } })).toMatchObject({ body });
    expect(await previewOf({ kafka: { url: 'localhost:9092', topic: 'x', payload } })).toMatchObject({ value: body });
    const custom = { serverURL: 'localhost:1', secure: false, spec: {}, payload };
    expect(await previewOf({ custom })).toMatchObject({ Execute: { payload: body } });
  });

  it('by slack and log, as text', async () => {
    const slack = { slackToken: { name: 'any', key: 'any' }, channel: 'x', message: 'x' };
    expect(await previewOf({ slack: { ...slack, parameters: [from('body', 'message', false)] } })).toMatchObject({
      body: { text: BODY },
    });
    expect(await previewOf({ log: {} })).toMatchObject([{ message: `{"body":${BODY}}` }]);
  });

  it('in a Kubernetes object, as number and appended to text', async () => {
    const sent = await previewOf({
      argoWorkflow: {
        operation: 'submit',
        source: { resource: { ...WORKFLOW, spec: { ...WORKFLOW.spec, podGC: { id: 0 } } } },
        parameters: [
          from('body.id', 'spec.podGC.id'),
          from('body.id', 'spec.arguments.parameters.0.value'),
          { ...from('body.id', 'spec.arguments.parameters.0.value', false), operation: 'append' },
        ],
      },
    });
    const text = writeExactly(sent);
    expect(text).toContain('"podGC":{"id":9007199254740993}');
    expect(text).toContain('"value":"90071992547409939007199254740993"');
  });

  it('through a parameter of the template, where the manifest accepts a number or a string', async () => {
    const k8s = { source: { resource: { ...WORKFLOW, spec: { size: 0 } } } };
    const parameters = [from('body.id', 'k8s.source.resource.spec.size')];
    expect(writeExactly(await previewOf({ k8s }, { parameters }))).toContain('"size":9007199254740993');
    const http = { url: 'http://localhost/' };
    const asText = previewOf({ http }, { parameters: [from('body.id', 'http.method')] });
    expect(await failureOf(asText)).toMatchObject({ code: 'MANIFEST_INVALID' });
  });

  it('as one of several collected events', async () => {
    const fire = { id: 'f', trigger: 'notify', dependencies: { scene: [0, 1] }, collected: true };
    const template = { http: { url: 'http://localhost/', payload: [from('@this', 'all')] } };
    const { events } = takeFire(
      {
        ...{ sensor: { namespace: 'argo', name: 'water' }, runId: 'run/argo/water/1', fires: [fire] },
        events: [eventOf('{"n":1.0}', 'a'), eventOf('{"n":1}', 'b')],
        triggers: { notify: { template: { name: 'notify', ...template } } },
      },
      0,
    );
    expect(await previewOf(template, {}, events['scene'])).toMatchObject({ body: '{"all":[{"n":1.0},{"n":1}]}' });
  });
});
