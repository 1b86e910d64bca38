/**
 * Tracks the calls of one connection until it closes. Temporal's client retries on a timer that cannot be stopped, and
 * a retry on a closed channel throws where it cannot be caught: it would end the process, for instance if one of
 * several calls failed and the command is over.
 */
import { InterceptingCall, type Interceptor } from '@grpc/grpc-js';
import { defaultGrpcRetryOptions, makeGrpcRetryInterceptor } from '@temporalio/client';

export interface CallsUntilClose {
  readonly interceptors: Interceptor[];
  /** Must be called before the connection is closed: no call is made afterwards. */
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

/** A call whose result is not awaited. */
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
