import type { FlyballError } from '@flyball/protocol';
import type { RequestId, RpcMessage } from './message.js';

/** A connection to one upstream that carries messages both ways, whatever carries it. */
export interface Link {
  readonly upstream: string;
  /** @param signal ends what was begun for this message alone, where the connection can do that */
  send(message: RpcMessage, signal?: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

export interface LinkListener {
  message(message: RpcMessage): void;
  /** One request will not be answered; the connection goes on. */
  unanswered(id: RequestId, error: FlyballError): void;
  /** The connection is gone: nothing that was asked on it will be answered. */
  lost(why: string): void;
}

export type OpenLink = (listener: LinkListener) => Link;
