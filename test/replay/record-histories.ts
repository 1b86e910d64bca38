/**
 * `npm run record-histories -- VERSION`: plays the scenarios and keeps the history of every workflow they start in
 * test/replay/histories/VERSION, so that later versions are held to it. Histories of a released version are kept for as
 * long as workflows that it started may still run.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'expect';
import { repoRoot } from '../../dev/repo-root';
import { sensorWorkflowId } from '../../workflows/identity';
import { SENSOR_SCENARIOS } from '../workflows/sensor-scenarios';
import { openWorld, type SluiceWorld } from '../workflows/sluice-world';
import { Stage } from '../workflows/stage';
import { formatHistory } from './history-files';
import { RECORDED_SCENARIOS } from './recorded-scenarios';

/** The scenarios are written for jest, whose globals do not exist here. */
Object.assign(globalThis, { expect });

async function main(version: string): Promise<void> {
  const folder = join(repoRoot, 'test/replay/histories', version);
  await mkdir(folder, { recursive: true });
  for (const continueAsNew of [false, true]) {
    const dynamicConfig: Record<string, string> = continueAsNew
      ? { 'limit.historyCount.suggestContinueAsNew': '20' }
      : {};
    const world = await openWorld({
      temporal: { own: true, headless: true, dynamicConfig },
      kubernetes: { own: true },
    });
    try {
      for (const scenario of continueAsNew ? SENSOR_SCENARIOS : RECORDED_SCENARIOS) {
        const stage = new Stage(world, { continueAsNew });
        await scenario.run(stage);
        const name = `${scenario.name.replace(/[^a-z0-9]+/gi, '-').toLowerCase()}${continueAsNew ? '-continued' : ''}`;
        await keep(world, stage, join(folder, name), continueAsNew);
        await stage.remove();
        process.stdout.write(`${name}\n`);
      }
    } finally {
      await world.close();
    }
  }
}

/** Of a sensor that continued as new, the executions before are of interest; of one that did not, its runs too. */
async function keep(world: SluiceWorld, stage: Stage, path: string, continueAsNew: boolean): Promise<void> {
  const sensorId = sensorWorkflowId(stage.namespace, stage.sensor);
  const ids = continueAsNew ? [] : [...new Set(await stage.runIds())].slice(0, 2);
  await write(`${path}.sensor.json`, await world.client.workflow.getHandle(sensorId).fetchHistory());
  for (const [index, id] of ids.entries()) {
    await write(`${path}.run-${index + 1}.json`, await world.client.workflow.getHandle(id).fetchHistory());
  }
}

async function write(path: string, history: Parameters<typeof formatHistory>[0]): Promise<void> {
  await writeFile(path, formatHistory(history));
}

const [version] = process.argv.slice(2);
if (version === undefined) {
  process.stderr.write('Name the version: npm run record-histories -- 0.1.0\n');
  process.exitCode = 2;
} else {
  void main(version);
}
