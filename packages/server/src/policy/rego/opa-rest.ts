import { FlyballError, isObject, type JsonObject } from '@flyball/protocol';
import { JsonPost } from '../../lib/json-post.js';
import { limits } from '../../lib/limits.js';
import type { Secret } from '../../lib/secret.js';

export interface OpaSettings {
  readonly url: string;
  readonly token: Secret | undefined;
  readonly timeoutMs: number;
}

/** A running OPA, asked by its REST API (`POST /v1/data/flyball/decision`). Keeps no answer. */
export class OpaServer {
  readonly #post: JsonPost;

  /** Throws `config_invalid` for a URL that nothing is sent to. */
  constructor({ url, token, timeoutMs }: OpaSettings) {
    this.#post = new JsonPost(`${url.replace(/\/+$/, '')}/v1/data/flyball/decision`, token, { bytesMax: limits.regoResultBytesMax, timeoutMs, connectionsMax: limits.opaConnectionsMax });
  }

  /** What the rule returns for each input, `undefined` where it is not defined. Throws when one of them has no answer. */
  answers(inputs: readonly JsonObject[]): Promise<readonly unknown[]> {
    return Promise.all(inputs.map((input) => this.#answer(input)));
  }

  async #answer(input: JsonObject): Promise<unknown> {
    const answer = await this.#post.send({ input });
    if (!isObject(answer)) throw new FlyballError('internal', 'expected an object with `result`');
    return Object.hasOwn(answer, 'result') ? answer['result'] : undefined;
  }

  close(): Promise<void> {
    return this.#post.close();
  }
}
