import { randomHandle } from '../../lib/ids.js';
import type { Sink } from './sink.js';
import type { Frame } from './frames.js';
import type { RpcResponse } from './message.js';

/** A request whose answer has not come yet, and where to bring it. */
export interface Pending {
  sink: Sink;
  /** The answer as it came, and what the stream said around it. */
  frame: Frame | undefined;
  readonly answer: (response: RpcResponse) => void;
  readonly cancel: () => void;
  /** Resolves when the client has the answer, so that its stream is not ended before. */
  readonly delivered: Promise<void>;
}

/** One client's connection to one upstream: ours to name, its principal's alone to use. */
export class RelayConnection {
  readonly id = randomHandle();
  readonly pending = new Map<string, Pending>();

  constructor(
    readonly principal: string,
    readonly upstreamSession: string | undefined,
  ) {}
}

const connectionsMost = 10_000;

export class RelayConnections {
  readonly #open = new Map<string, RelayConnection>();

  open(principal: string, upstreamSession: string): RelayConnection {
    const connection = new RelayConnection(principal, upstreamSession);
    this.#open.set(connection.id, connection);
    const [oldest] = this.#open.keys();
    if (this.#open.size > connectionsMost && oldest !== undefined) this.#open.delete(oldest);
    return connection;
  }

  /** The connection, if it is this principal's. Of somebody else's nothing is said, not even that it exists. */
  find(id: string, principal: string): RelayConnection | undefined {
    const connection = this.#open.get(id);
    return connection?.principal === principal ? connection : undefined;
  }

  close(id: string): void {
    this.#open.delete(id);
  }
}
