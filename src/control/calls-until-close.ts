/**
 * Calls of one connection, until it closes. Temporal's client retries by a timer that nothing stops, and a retry on a
 * closed channel is an exception that nothing catches: it would end the process, for instance where one of several
 * calls has failed and the command is over.
 */
import { InterceptingCall, type Interceptor } from '@grpc/grpc-js';
import { defaultGrpcRetryOptions, makeGrpcRetryInterceptor } from '@temporalio/client';

export interface CallsUntilClose {
  readonly interceptors: Interceptor[];
  /** To be called before the connection is closed: from now on no call is made. */
  end(): void;
}

export function callsUntilClose(): CallsUntilClose {
  let isOver = false;
  return {
    interceptors: [
      makeGrpcRetryInterceptor(defaultGrpcRetryOptions()),
      (options, nextCall) => new InterceptingCall(isOver ? NO_CALL : nextCall(options)),
    ],
    end: () => void (isOver = true),
  };
}

const nothing = (): void => undefined;

/** Nothing waits for its result. */
const NO_CALL: ConstructorParameters<typeof InterceptingCall>[0] = {
  cancelWithStatus: nothing,
  getPeer: () => '',
  start: nothing,
  sendMessageWithContext: nothing,
  sendMessage: nothing,
  startRead: nothing,
  halfClose: nothing,
  getAuthContext: () => null,
};
