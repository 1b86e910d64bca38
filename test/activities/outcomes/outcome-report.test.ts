import { MAX_REPORT_BYTES, toReport, toReports } from '../../../activities/outcomes/outcome-report';
import { jsonBytes } from '../../../src/text/json-bytes';
import type { WorkflowOutcome } from '../../../src/kubernetes/workflow-outcomes';

const outcome = (outputs: Record<string, string>, message = ''): WorkflowOutcome => ({
  fireId: 'fire',
  object: { apiVersion: 'argoproj.io/v1alpha1', kind: 'Workflow', namespace: 'eo', name: 'w', uid: 'u' },
  phase: 'Succeeded',
  message,
  outputs,
  afterRetry: false,
});
const ALMOST_ALL = 'x'.repeat(MAX_REPORT_BYTES - 100);

describe('the report of an outcome', () => {
  it('contains all outputs and the whole message if they fit', () => {
    expect(toReport(outcome({ link: 'https://example.com' }, 'done'))).toMatchObject({
      message: 'done',
      outputs: { link: 'https://example.com' },
    });
  });

  it("omits the largest outputs if it exceeds Temporal's limit, and names them", () => {
    const report = toReport(outcome({ log: ALMOST_ALL, link: 'https://example.com', table: ALMOST_ALL }));
    expect(report.outputs).toEqual({ link: 'https://example.com' });
    expect(report.message).toMatch(/outputs left out.*log, table/);
  });

  it.each([
    ['outputs with multi-byte characters', outcome({ text: '\u{1f6f0}'.repeat(400_000) })],
    ['a message that is too large alone', outcome({}, '\u0001'.repeat(1_000_000))],
    ['names that are too large alone', outcome({ ['n'.repeat(2_000_000)]: '' })],
    [
      'a hundred thousand outputs',
      outcome(Object.fromEntries(Array.from({ length: 100_000 }, (_, i) => [`o${i}`, '1']))),
    ],
  ])('is never larger than Temporal accepts: %s', (_, large) => {
    expect(jsonBytes(toReport(large))).toBeLessThanOrEqual(MAX_REPORT_BYTES);
  });

  it('is truncated to its share if several are too large together', () => {
    const reports = toReports([outcome({ log: ALMOST_ALL, id: '1' }), outcome({ log: ALMOST_ALL, id: '2' })]);
    expect(reports.map(({ outputs }) => outputs)).toEqual([{ id: '1' }, { id: '2' }]);
  });
});
