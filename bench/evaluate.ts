/**
 * The cost of deciding on an event: a jq transform, three filters (two on data, one expression) and two parameters (one
 * key, one template with a function), in batches of 100, as a listener and a run do it.
 */
import type { CloudEvent } from '../src/event/cloud-event';
import type { JsonObject } from '../src/event/json';
import { createExpressionEngine } from '../src/expressions';
import type { Dependency } from '../src/manifest/filters';
import type { TriggerParameter } from '../src/manifest/parameters';
import { evaluateDependencies } from '../src/matching/evaluate-dependencies';
import type { ExpressionEngine } from '../src/expressions/engine';
import { applyParameters } from '../src/matching/parameters';

const BATCH = 100;
const WARM_UP_BATCHES = 20;
const MEASURED_BATCHES = 20;

const dependency: Dependency = {
  name: 'scene',
  eventSourceName: 'stac',
  eventName: 'items',
  transform: { jq: '. + {href: .assets.B1.href, tile: (.id | split("_") | .[1])}' },
  filters: {
    exprs: [{ expr: 'cloud < 20 && platform =~ "^sentinel-2"', fields: [
      { name: 'cloud', path: 'properties.eo:cloud_cover' },
      { name: 'platform', path: 'properties.platform' },
    ] }], // prettier-ignore
    data: [
      { path: 'collection', type: 'string', value: ['^sentinel-2-l2a$'] },
      { path: 'properties.eo:cloud_cover', type: 'number', comparator: '<', value: ['20'] },
    ],
  },
};

const parameters: TriggerParameter[] = [
  { src: { dependencyName: 'scene', dataKey: 'href' }, dest: 'spec.arguments.parameters.0.value' },
  {
    src: { dependencyName: 'scene', dataTemplate: '{{ .Input.tile | lower }}' },
    dest: 'spec.arguments.parameters.1.value',
  },
];

const template: JsonObject = {
  apiVersion: 'argoproj.io/v1alpha1',
  kind: 'Workflow',
  metadata: { generateName: 'water-bodies-' },
  spec: { arguments: { parameters: [{ name: 'href', value: '' }, { name: 'tile', value: '' }] } }, // prettier-ignore
};

/** Milliseconds per event, mean over all batches, for events of 1 KB and for STAC items of 20 KB. */
export async function measureEvaluation(): Promise<{ oneKb: number; twentyKb: number }> {
  const engine = createExpressionEngine();
  try {
    return { oneKb: await measure(1_024, engine), twentyKb: await measure(20 * 1_024, engine) };
  } finally {
    await engine.close();
  }
}

async function measure(bytes: number, engine: ExpressionEngine): Promise<number> {
  await evaluateBatches(bytes, WARM_UP_BATCHES, engine);
  return (await evaluateBatches(bytes, MEASURED_BATCHES, engine)) / (MEASURED_BATCHES * BATCH);
}

/** Milliseconds for all batches. Each batch has its own events, as from the bus. */
async function evaluateBatches(bytes: number, batches: number, engine: ExpressionEngine): Promise<number> {
  let elapsedMs = 0;
  for (let batch = 0; batch < batches; batch++) {
    const events = Array.from({ length: BATCH }, (_none, index) => createItemEvent(bytes, batch * BATCH + index));
    const begun = performance.now();
    const verdicts = await evaluateDependencies(
      events.map((event) => ({ event, dependency })),
      engine,
    );
    await Promise.all(
      verdicts.map((verdict) => {
        if (verdict.outcome !== 'matched') throw new Error(`the benchmark's event did not match: ${verdict.reason}`);
        return applyParameters(template, parameters, { scene: verdict.event }, engine);
      }),
    );
    elapsedMs += performance.now() - begun;
  }
  return elapsedMs;
}

function createItemEvent(bytes: number, number: number): CloudEvent {
  const assets: JsonObject = {};
  const item: JsonObject = {
    type: 'Feature',
    stac_version: '1.0.0',
    id: `S2A_T33UUP_${number}_L2A`,
    collection: 'sentinel-2-l2a',
    bbox: [12.3, 51.2, 13.9, 52.3],
    properties: { 'eo:cloud_cover': 12.5, platform: 'sentinel-2a', datetime: '2026-01-02T10:11:12Z' },
    assets,
  };
  for (let band = 1; band === 1 || JSON.stringify(item).length < bytes; band++)
    assets[`B${band}`] = bandOf(number, band);
  return {
    specversion: '1.0',
    id: String(number),
    source: 'stac',
    subject: 'items',
    type: 'redisStream',
    time: '2026-01-02T10:11:13Z',
    datacontenttype: 'application/json',
    data: item,
  };
}

function bandOf(number: number, band: number): JsonObject {
  return {
    href: `https://example.com/sentinel-2/33/U/UP/${number}/B${band}.tif`,
    type: 'image/tiff; application=geotiff; profile=cloud-optimized',
    roles: ['data', 'reflectance'],
    'eo:bands': [{ name: `B${band}`, center_wavelength: 0.443, full_width_half_max: 0.027 }],
    'proj:shape': [10_980, 10_980],
    'proj:transform': [10, 0, 399_960, 0, -10, 5_800_020],
  };
}
