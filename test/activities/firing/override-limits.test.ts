import { refuseChangedIdentity } from '../../../activities/firing/override-limits';

const resource = () => ({
  apiVersion: 'argoproj.io/v1alpha1',
  kind: 'Workflow',
  metadata: { generateName: 'w-', namespace: 'a' },
  spec: { serviceAccountName: 'runner', templates: [{ name: 't', podSpecPatch: '{}' }] },
});

describe('values set at a retrigger', () => {
  it('may change the spec of the object', () => {
    const { spec, ...others } = resource();
    const after = { ...others, spec: { ...spec, priority: 3, arguments: { parameters: [{ name: 'a', value: 'b' }] } } };
    expect(() => refuseChangedIdentity(resource(), after)).not.toThrow();
  });

  it.each([
    ['apiVersion', { ...resource(), apiVersion: 'v1' }],
    ['kind', { ...resource(), kind: 'CronWorkflow' }],
    ['metadata.namespace', { ...resource(), metadata: { generateName: 'w-', namespace: 'b' } }],
    ['metadata.namespace', { ...resource(), metadata: 'none' }],
    ['a service account', { ...resource(), spec: { serviceAccountName: 'argo' } }],
    ['a service account', { ...resource(), spec: { ...resource().spec, executor: { serviceAccountName: 'argo' } } }],
    ['a service account', { ...resource(), spec: { templates: resource().spec.templates } }],
    ['podSpecPatch', { ...resource(), spec: { ...resource().spec, podSpecPatch: '{"hostNetwork":true}' } }],
    [
      'a reference to a WorkflowTemplate',
      { ...resource(), spec: { ...resource().spec, workflowTemplateRef: { name: 'of-another-account' } } },
    ],
    [
      'a reference to a WorkflowTemplate',
      {
        ...resource(),
        spec: {
          ...resource().spec,
          templates: [{ steps: [[{ templateRef: { name: 'other' } }]], podSpecPatch: '{}' }],
        },
      },
    ],
  ])('may not change %s', (what, after) => {
    const message = expect.stringContaining(`would change ${what} of the Workflow`) as string;
    expect(() => refuseChangedIdentity(resource(), after)).toThrow(
      expect.objectContaining({ code: 'RETRIGGER_REFUSED', retryable: false, message }) as Error,
    );
  });

  it('may not change which WorkflowTemplate a Workflow is submitted from', () => {
    const template = (name: string) => ({ kind: 'WorkflowTemplate', metadata: { name } });
    expect(() => refuseChangedIdentity(template('small'), template('of-another-account'))).toThrow(
      expect.objectContaining({ code: 'RETRIGGER_REFUSED', retryable: false }) as Error,
    );
  });
});
