import { NamespaceNotFoundError, ServiceError, WorkflowNotFoundError } from '@temporalio/client';
import { PayloadConverterError, ValueError } from '@temporalio/common';
import { classifyTemporalFailure } from '../../src/errors/temporal-failures';

const failed = (code: number, details: string): ServiceError =>
  new ServiceError('Failed to start Workflow', { cause: Object.assign(new Error(details), { code, details }) });

describe('a failed call of Temporal', () => {
  it.each([
    [3, 'Blob data size exceeds limit.', true],
    [3, 'Memo size exceeds limit.', true],
    [8, 'grpc: received message larger than max (5000000 vs. 4194304)', true],
    [11, 'Error, encoded message length too large: found 5000000 bytes, the limit is: 4194304 bytes', true],
    [3, 'WorkflowId length exceeds limit.', false],
    [3, 'search attribute SluiceTriggers value size 2100 exceeds size limit 2048', false],
  ])('with status %i, "%s", is permanent for this run (too large: %s)', (code, details, isTooLarge) => {
    expect(classifyTemporalFailure(failed(code, details))).toMatchObject({ kind: 'permanent', isTooLarge });
  });

  it.each([
    new ValueError('Unable to convert [object Object] to payload'),
    new PayloadConverterError('unserializable'),
  ])('is permanent for this run if the input cannot be serialized: %s', (error) => {
    expect(classifyTemporalFailure(error)).toMatchObject({ kind: 'permanent', isTooLarge: false });
    const wrapped = new ServiceError('Unexpected error while making gRPC request', { cause: error });
    expect(classifyTemporalFailure(wrapped)).toMatchObject({ kind: 'permanent' });
  });

  it.each([
    [14, 'connection refused', true],
    [4, 'context deadline exceeded', true],
    [8, 'namespace rate limit exceeded', true],
    [13, 'internal error', false],
    [2, 'unknown', false],
    [10, 'aborted', false],
  ])('with status %i, "%s", is transient (an outage: %s)', (code, details, isOutage) => {
    expect(classifyTemporalFailure(failed(code, details))).toMatchObject({ kind: 'transient', isOutage });
  });

  it('is transient if the workflow does not exist, or not yet', () => {
    const error = new WorkflowNotFoundError('workflow not found', 'sensor/argo/water', undefined);
    expect(classifyTemporalFailure(error)).toMatchObject({ kind: 'transient', isOutage: false });
  });

  it.each([
    failed(7, 'no permission'),
    failed(16, 'no credentials'),
    failed(5, 'Namespace sluice is not found.'),
    new NamespaceNotFoundError('sluice'),
  ])('is a configuration error: %s', (error) => {
    expect(classifyTemporalFailure(error)).toMatchObject({ kind: 'configuration' });
  });

  it('is classified by its message if a worker leaves the details empty', () => {
    const cause = Object.assign(new Error('Blob data size exceeds limit.'), { code: 3, details: '' });
    const error = new ServiceError('Failed to start Workflow', { cause });
    expect(classifyTemporalFailure(error)).toMatchObject({ kind: 'permanent', isTooLarge: true });
  });

  it('gives advice if the search attributes are missing', () => {
    const failure = classifyTemporalFailure(
      failed(3, 'Namespace default has no mapping defined for search attribute SluiceSensor'),
    );
    expect(failure).toMatchObject({ kind: 'configuration', error: { code: 'TEMPORAL_NOT_PREPARED' } });
  });
});
