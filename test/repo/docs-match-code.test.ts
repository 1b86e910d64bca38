import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repoRoot } from '../../dev/repo-root';
import { ERROR_CODES } from '../../src/errors/sluice-error';
import { readSettings, SETTING_NAMES } from '../../workers/settings';
import { codesInTables, rowsByCode } from './tables';
import { repoFiles } from './tracked-files';

describe('docs/errors.md', () => {
  it('describes every error code, and none that does not exist', () => {
    expect(codesInTables('docs/errors.md').sort()).toEqual(Object.keys(ERROR_CODES).sort());
  });

  it('tells truly whether an error is retried, and how each is solved', () => {
    for (const [code, { retryable }] of Object.entries(ERROR_CODES)) {
      const [when, retried, solution] = rowsByCode('docs/errors.md').get(code) ?? [];
      expect([code, retried]).toEqual([code, expect.stringMatching(retryable ? /^(yes|depends)/ : /^(no|depends)/)]);
      expect([code, when, solution].every(Boolean)).toBe(true);
    }
  });
});

describe('docs/configuration.md', () => {
  const documented = rowsByCode('docs/configuration.md');

  it('describes every variable that the code reads, and none that it does not', () => {
    const read = new Set<string>();
    for (const path of repoFiles()) {
      const isCode = /^((src|workers|workflows|activities|dev|bench|test)\/.*\.ts|jest\.config\.js)$/.test(path);
      if (!isCode || path.startsWith('test/repo/')) continue;
      const text = readFileSync(join(repoRoot, path), 'utf8');
      for (const [name] of text.matchAll(/\bSLUICE_[A-Z0-9_]*[A-Z0-9]\b/g)) read.add(name);
    }
    const patterns = [...documented.keys()].map((name) => new RegExp(`^${name.replace('*', '[A-Z0-9_]+')}$`));
    // Names of variables that are put together, and a constant that is no variable.
    const others = ['SLUICE_WORKFLOWS_MARK'];
    const missing = [...read].filter(
      (name) => !others.includes(name) && !patterns.some((pattern) => pattern.test(name)),
    );
    expect(missing).toEqual([]);
    const unread = [...documented.keys()].filter(
      (name) => name.startsWith('SLUICE_') && !name.includes('*') && !read.has(name),
    );
    expect(unread).toEqual([]);
  });

  it('gives the defaults that workers have', () => {
    const settings = readSettings({});
    const defaults: Record<string, string> = {
      SLUICE_EVENT_SOURCE_TASK_QUEUE: settings.eventSourceTaskQueue,
      SLUICE_SENSOR_TASK_QUEUE: settings.sensorTaskQueue,
      SLUICE_CONTROLLER_TASK_QUEUE: settings.controllerTaskQueue,
      SLUICE_SERVICE_SELECTOR: Object.entries(settings.serviceSelector)
        .map((label) => label.join('='))
        .join(','),
      SLUICE_ADMISSION_PORT: `${settings.admissionPort}`,
      SLUICE_ADMISSION_NAME: settings.admissionName,
      SLUICE_HEALTH_PORT: `${settings.healthPort}`,
      SLUICE_METRICS_PORT: `${settings.metricsPort}`,
      SLUICE_LOG_LEVEL: settings.logLevel,
      SLUICE_MAX_ACTIVITIES: `${settings.maxActivities}`,
      SLUICE_SHUTDOWN_GRACE: settings.shutdownGrace,
    };
    for (const name of SETTING_NAMES) {
      const [found] = documented.get(name) ?? [];
      expect([name, found]).toEqual([name, name in defaults ? `\`${defaults[name] ?? ''}\`` : 'none']);
    }
  });
});
