import { FlyballError, type JsonObject } from '@flyball/protocol';
import { idKey, type RequestId, type RpcMessage, type RpcRequest, type RpcResponse } from './message.js';
import type { Link, OpenLink } from './link.js';

/** Where messages of the upstream go that are not the answer: to the client, beside the request they belong to. */
export interface Audience {
  /** @param during the client's request that is under way on this upstream, if there is one */
  hear(message: RpcMessage, during: RequestId | undefined, upstream: string): void;
}

interface Asked {
  readonly client: RequestId | undefined;
  readonly resolve: (response: RpcResponse) => void;
  readonly reject: (error: FlyballError) => void;
}

/**
 * One connection to one upstream on behalf of one client. Ids are ours on both sides, so that neither side's
 * ids can meet another's.
 */
export class Conversation {
  readonly #link: Link;
  readonly #asked = new Map<number, Asked>();
  /** Requests of the upstream that the client has not answered: our id for it, its own id. */
  readonly #questions = new Map<string, RequestId>();
  #next = 0;
  #lost: string | undefined;

  constructor(
    open: OpenLink,
    private readonly audience: Audience,
  ) {
    this.#link = open({
      message: (message) => this.#read(message),
      unanswered: (id, error) => this.#asked.get(Number(id))?.reject(error),
      lost: (why) => this.#break(why),
    });
  }

  get upstream(): string {
    return this.#link.upstream;
  }

  get isLost(): boolean {
    return this.#lost !== undefined;
  }

  /** @param client the client's id of the request, when it is the client that asks */
  async ask(method: string, params: JsonObject, client: RequestId | undefined, signal?: AbortSignal): Promise<RpcResponse> {
    if (signal?.aborted) throw new FlyballError('performed_failed', 'cancelled before it was sent; nothing was sent');
    if (this.#lost !== undefined) throw new FlyballError('performed_failed', `${this.#lost}; nothing was sent`);
    const id = ++this.#next;
    const request: RpcRequest = { kind: 'request', id, method, params };
    const answer = new Promise<RpcResponse>((resolve, reject) => this.#asked.set(id, { client, resolve, reject }));
    answer.catch(() => undefined);
    const cancel = () => {
      void this.tell('notifications/cancelled', { requestId: id, reason: 'cancelled' }).catch(() => undefined);
      this.#asked.get(id)?.reject(new FlyballError('performed_unknown', 'the upstream server did not answer in time'));
    };
    signal?.addEventListener('abort', cancel, { once: true });
    try {
      await this.#link.send(request, signal);
      return await answer;
    } finally {
      this.#asked.delete(id);
      signal?.removeEventListener('abort', cancel);
    }
  }

  tell(method: string, params: JsonObject): Promise<void> {
    return this.#link.send({ kind: 'notification', method, params });
  }

  /** Brings the client's answer to a question of the upstream. True when it was one of this upstream's. */
  async answer(response: RpcResponse): Promise<boolean> {
    const key = response.id === null ? undefined : idKey(response.id);
    const id = key === undefined ? undefined : this.#questions.get(key);
    if (key === undefined || id === undefined) return false;
    this.#questions.delete(key);
    await this.#link.send({ ...response, id });
    return true;
  }

  close(): Promise<void> {
    return this.#link.close();
  }

  #read(message: RpcMessage): void {
    const during = [...this.#asked.values()].findLast((asked) => asked.client !== undefined)?.client;
    switch (message.kind) {
      case 'response':
        return this.#answered(message);
      case 'notification':
        return this.audience.hear(message, during, this.upstream);
      case 'request': {
        const id = `${this.upstream}:${++this.#next}`;
        this.#questions.set(idKey(id), message.id);
        return this.audience.hear({ ...message, id }, during, this.upstream);
      }
    }
  }

  #answered(response: RpcResponse): void {
    if (typeof response.id === 'number') this.#asked.get(response.id)?.resolve(response);
  }

  #break(why: string): void {
    this.#lost = why;
    for (const { reject } of this.#asked.values()) reject(new FlyballError('performed_unknown', `${why} before it answered`));
  }
}
