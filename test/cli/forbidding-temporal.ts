/** What a client meets that may not register search attributes: no server here can be made to refuse that. */
import { Server, ServerCredentials, status, type sendUnaryData, type ServiceDefinition } from '@grpc/grpc-js';

export interface ForbiddingTemporal {
  readonly address: string;
  stop(): void;
}

const OPERATOR = '/temporal.api.operatorservice.v1.OperatorService';
const NOTHING = Buffer.alloc(0);

export async function startForbiddingTemporal(): Promise<ForbiddingTemporal> {
  const server = new Server();
  const method = (path: string) => ({
    path,
    ...{ requestStream: false, responseStream: false },
    requestSerialize: (bytes: Buffer) => bytes,
    requestDeserialize: (bytes: Buffer) => bytes,
    responseSerialize: (bytes: Buffer) => bytes,
    responseDeserialize: (bytes: Buffer) => bytes,
  });
  const service: ServiceDefinition = {
    getSystemInfo: method('/temporal.api.workflowservice.v1.WorkflowService/GetSystemInfo'),
    listSearchAttributes: method(`${OPERATOR}/ListSearchAttributes`),
    addSearchAttributes: method(`${OPERATOR}/AddSearchAttributes`),
  };
  const answerNothing = (_call: unknown, answer: sendUnaryData<Buffer>): void => answer(null, NOTHING);
  server.addService(service, {
    getSystemInfo: answerNothing,
    listSearchAttributes: answerNothing,
    addSearchAttributes: (_call: unknown, answer: sendUnaryData<Buffer>): void =>
      answer({ code: status.PERMISSION_DENIED, details: 'this namespace is not yours' }),
  });
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    ),
  );
  return { address: `127.0.0.1:${port}`, stop: () => server.forceShutdown() };
}
