/** What a person sees and does in the Temporal dev server's own UI, in a real browser. */
import { readFile } from 'node:fs/promises';
import { openChromium, type OpenChromium } from '../../dev/chromium';
import { PICTURED_ARGO_UI, startPicturedSystem, type PicturedSystem } from '../../dev/pictured-system';
import { TemporalUi } from '../../dev/temporal-ui-pages';
import { shortEventId } from '../../src/event/short-id';
import { createApiClient } from '../../dev/kubernetes/api-client';
import { eventually } from '../setup/eventually';
import { readDocumentedCommands } from './documented-commands';

describe('the Temporal UI', () => {
  let pictured: PicturedSystem;
  let browser: OpenChromium;
  let ui: TemporalUi;

  beforeAll(async () => {
    browser = await openChromium({ width: 1280, height: 900 });
    pictured = await startPicturedSystem();
    ui = new TemporalUi(browser.page, pictured.system.temporal.uiUrl);
  }, 180_000);

  afterAll(async () => {
    await browser?.close();
    await pictured?.stop();
  }, 60_000);

  const details = (): Promise<string> => ui.details().locator('main').innerText();
  const runsInList = async (query: string): Promise<string[]> => {
    await ui.openList(query);
    const links = browser.page.getByRole('link', { name: /^run\// });
    await links.first().waitFor();
    return (await links.allInnerTexts()).map((text) => text.trim()).sort();
  };
  const firstParked = async (): Promise<string> => {
    const [runId] = await pictured.runs('flood-watch', 'Parked');
    if (runId === undefined) throw new Error('no run is parked');
    return runId;
  };

  it('lists runs by sensor, state, trigger, event source and event', async () => {
    const parked = [...(await pictured.runs('flood-watch', 'Parked'))].sort();
    const [one = ''] = parked;
    const eventId = shortEventId(one.split('/').slice(3).join('/'));
    expect(await runsInList(`SluiceSensor = 'default/flood-watch'`)).toEqual(parked);
    expect(await runsInList(`SluiceState = 'Parked'`)).toEqual(parked);
    expect(await runsInList(`SluiceTriggers = 'flood-report'`)).toEqual(parked);
    expect(await runsInList(`SluiceEventSource = 'sentinel2-scenes' AND SluiceState = 'Parked'`)).toEqual(parked);
    expect(await runsInList(`SluiceSensor = 'default/flood-watch' AND SluiceEventIds = '${eventId}'`)).toEqual([one]);
  });

  it('shows the fires, events, Workflow with a link to the Argo UI, attempts and outcome of a run', async () => {
    const runIds = await pictured.runs('water-bodies', 'Succeeded');
    const runId = runIds.find((id) => id.includes('scene-announced')) ?? '';
    const eventKey = runId.split('/').slice(3).join('/');
    await ui.openMetadata(runId);
    expect(await ui.summary().locator('main').innerText()).toContain(`water-bodies-detection ← ${eventKey}`);
    const text = await details();
    expect(text).toContain('water-bodies-detection · 1 attempt');
    expect(text).toContain(eventKey);
    expect(text).toContain('outcome Succeeded');
    const link = ui.details().getByRole('link', { name: /^Workflow default\/water-bodies-detection-/ });
    expect(await link.getAttribute('href')).toMatch(
      new RegExp(`^${PICTURED_ARGO_UI}/workflows/default/water-bodies-detection-[a-z0-9]{12}\\?uid=[0-9a-f-]{36}$`),
    );
  });

  it('shows the reason of a parked run, advice, and a named timer', async () => {
    await ui.openMetadata(await firstParked());
    const text = await details();
    expect(text).toContain('KUBERNETES_REFUSED');
    expect(text).toContain('namespaces/flood-watch');
    expect(text).toContain('retrigger');
    await browser.page.getByText('flood-report is parked: retrigger or discard').first().waitFor();
  });

  it('shows the counts, parked runs, lag, and held events of a sensor', async () => {
    const text = await eventually(async () => {
      await ui.openMetadata('sensor/default/flood-watch');
      const cells = await ui.details().locator('td').allInnerTexts();
      return cells.join(' ') === '3 3 0 0 3 3 0' ? await details() : undefined;
    });
    expect(text).toMatch(/consumed\s+matched\s+unmatched\s+failed\s+fired\s+parked runs\s+lag/);
    expect(text).toMatch(/weekly-mosaic when scene && approval\s+holds scene sentinel2-scenes\/scene-announced:/);
    expect(text).toContain('waits for approval');
    await browser.page.getByText('bus → flood-watch').first().waitFor();
  });

  it('shows who retriggered a run, and names trigger and event on the retried activity', async () => {
    const runId = await firstParked();
    const request = { by: 'ada', why: 'the namespace exists now' };
    await pictured.client.workflow.getHandle(runId).signal('retrigger', request);
    // The activity has the id of the event, without its source.
    const eventId = runId.split('/').slice(4).join('/');
    await eventually(async () => {
      await ui.openMetadata(runId);
      const ofActivity = browser.page.locator('main').getByText(`flood-report ← ${eventId}`);
      await ofActivity.first().waitFor({ timeout: 2_000 });
      return (await details()).includes('retriggered by “ada” (unverified): the namespace exists now');
    });
  });

  describe('in its dialogs for signals and updates', () => {
    /** The JSON that docs/temporal-ui.md tells people to send. */
    const documented = (gist: string): string =>
      readDocumentedCommands().find((command) => command.gist === gist)?.input ?? '';
    const shows = (workflowId: string, text: string): Promise<unknown> =>
      eventually(async () => {
        await ui.openMetadata(workflowId);
        return (await details()).includes(text);
      });

    it('retriggers a parked run, with by and why', async () => {
      const { url, caPath, adminToken: token } = pictured.system.kubernetes;
      const api = createApiClient({ url, ca: await readFile(caPath, 'utf8'), token });
      await api.expect('POST', '/api/v1/namespaces', { metadata: { name: 'flood-watch' } });
      api.close();
      const runId = await firstParked();
      await ui.signal(runId, 'retrigger', documented('signal retrigger run/default/flood-watch/…'));
      expect(await pictured.client.workflow.getHandle(runId).result()).toMatchObject({ state: 'Succeeded' });
      await shows(runId, 'retriggered by “ada” (unverified): the namespace exists now');
      expect(await details()).toContain('outcome Succeeded');
    });

    it('discards a parked run', async () => {
      const runId = await firstParked();
      await ui.signal(runId, 'discard', documented('signal discard run/default/flood-watch/…'));
      expect(await pictured.client.workflow.getHandle(runId).result()).toMatchObject({ state: 'Discarded' });
      await shows(runId, 'discarded by “ada” (unverified): the scene is obsolete');
    });

    it('shows on the run which field a signal lacks', async () => {
      const runId = await firstParked();
      await ui.signal(runId, 'discard', '{"by": "ada"}');
      await shows(runId, 'discard refused: “by” and “why” are required');
    });

    it('pauses and resumes a sensor', async () => {
      const sensor = 'sensor/default/flood-watch';
      await ui.signal(sensor, 'pause', documented(`signal pause ${sensor}`));
      await shows(sensor, 'by “ada” (unverified): the catalogue is being repaired');
      expect(await details()).toContain('Paused since');
      await ui.signal(sensor, 'resume', documented(`signal resume ${sensor}`));
      await eventually(async () => {
        await ui.openMetadata(sensor);
        return !(await details()).includes('Paused since');
      });
    });

    it('retriggers a completed run by an update, whose result is in the history', async () => {
      const [runId = ''] = await pictured.runs('water-bodies', 'Succeeded');
      const input = documented('update execute retrigger sensor/default/water-bodies runId again');
      const ofRun = input.replace('run/default/water-bodies/…', runId);
      await ui.update('sensor/default/water-bodies', 'retrigger', ofRun);
      await ui.dialog().waitFor({ state: 'hidden' });
      await browser.page
        .getByText(/Workflow Execution Update Completed/)
        .first()
        .click();
      await browser.page.getByText(`${runId}~again-`).first().waitFor();
      await eventually(async () =>
        (await pictured.runs('water-bodies', 'Succeeded')).some((id) => id.startsWith(`${runId}~again-`)),
      );
    });

    it('shows in the dialog of an update why it is rejected', async () => {
      const request = { by: 'ada', why: 'new model', runId: 'run/default/water-bodies/nowhere' };
      await ui.update('sensor/default/water-bodies', 'retrigger', JSON.stringify(request));
      await ui.dialog().getByText('unknown run run/default/water-bodies/nowhere').waitFor();
    });
  });
});
