import { answerReview } from '../../src/admission/review';
import { loadManifestText } from '../../src/validation/load-manifests';

const sensor = (spec: object, metadata: object = {}): object => ({
  apiVersion: 'argoproj.io/v1alpha1',
  kind: 'Sensor',
  metadata: { name: 's', namespace: 'argo', uid: 'u', managedFields: [{ manager: 'kubectl' }], ...metadata },
  spec,
});
const VALID = {
  dependencies: [{ name: 'a', eventSourceName: 's', eventName: 'e' }],
  triggers: [{ template: { name: 't', log: {} } }],
};
const FAULTY = { ...VALID, triggers: [{ template: { name: 't', logg: {} } }] };
const review = (object: object, oldObject?: object): unknown => ({
  apiVersion: 'admission.k8s.io/v1',
  kind: 'AdmissionReview',
  request: { uid: 'r1', object, oldObject },
});
const check = (manifest: string): ReturnType<typeof loadManifestText> =>
  loadManifestText(manifest, '', { isJson: true });

const answer = (object: object, oldObject?: object): ReturnType<typeof answerReview> =>
  answerReview(review(object, oldObject), check);

describe('an admission review', () => {
  it('accepts a valid object', async () => {
    expect(await answer(sensor(VALID))).toEqual({ uid: 'r1', allowed: true });
  });

  it('rejects a faulty one with the words of validate', async () => {
    expect(await answer(sensor(FAULTY))).toMatchObject({
      allowed: false,
      status: {
        code: 422,
        message: expect.stringContaining('spec.triggers[0].template.logg: unknown field') as string,
      },
    });
  });

  it('passes on what works otherwise than its author may expect, each in one short line', async () => {
    const response = await answer(sensor({ ...VALID, replicas: 3, template: { volumes: [{ name: 'v' }] } }));
    expect(response).toMatchObject({ allowed: true });
    expect(response?.warnings).toHaveLength(2);
    for (const warning of response?.warnings ?? []) {
      expect(warning).toMatch(/^warning: Sensor\/s spec\..*no effect/);
      expect(warning).not.toContain('\n');
      expect(warning.length).toBeLessThanOrEqual(256);
    }
  });

  it('accepts an object of which only a name prefix is known', async () => {
    const { name: _, ...metadata } = { name: '', generateName: 'scenes-' };
    expect(await answer(sensor(VALID, { ...metadata, name: undefined }))).toMatchObject({ allowed: true });
  });

  it('accepts changes of a faulty object that touch neither spec nor annotations, and its end', async () => {
    expect(await answer(sensor(FAULTY, { labels: { a: 'b' } }), sensor(FAULTY))).toMatchObject({ allowed: true });
    const leaving = { deletionTimestamp: '2026-01-01T00:00:00Z' };
    expect(await answer(sensor(FAULTY, leaving), sensor(VALID))).toMatchObject({ allowed: true });
    expect(await answer(sensor(FAULTY), sensor(VALID))).toMatchObject({ allowed: false });
  });

  it('is nothing else', async () => {
    for (const other of [undefined, [], {}, { request: {} }]) expect(await answerReview(other, check)).toBeUndefined();
  });
});
