import { isObject, type JsonObject } from '@flyball/protocol';
import { noAnswer, Post, type PostBounds } from '../../lib/post.js';
import type { Secret } from '../../lib/secret.js';
import { parseStrictJson } from '../../lib/strict-json.js';

export type SlackMethod = 'chat.postMessage' | 'chat.update';

/** Slack's HTTP API, as much of it as is needed. What it answers is read strictly and believed in little. */
export class SlackApi {
  readonly #posts: Readonly<Record<SlackMethod, Post>>;
  readonly #headers: Readonly<Record<string, string>>;

  /** Throws `config_invalid` for a URL that nothing is sent to. */
  constructor(
    base: string,
    token: Secret,
    private readonly bounds: PostBounds,
  ) {
    const post = (method: SlackMethod) => new Post(`${base.replace(/\/$/, '')}/${method}`, bounds);
    this.#posts = { 'chat.postMessage': post('chat.postMessage'), 'chat.update': post('chat.update') };
    this.#headers = { 'content-type': 'application/json; charset=utf-8', authorization: `Bearer ${token.reveal()}` };
  }

  /** The answer, whether Slack did it or not: `error` says why not. Throws `internal` when there is no answer. */
  async call(method: SlackMethod, body: JsonObject): Promise<{ readonly error?: string; readonly answer: JsonObject }> {
    const { status, bytes } = await this.#posts[method].send(JSON.stringify(body), this.#headers);
    if (status !== 200) throw noAnswer(`expected status 200 of Slack, got ${status}`);
    const answer = parseStrictJson(bytes, this.bounds.bytesMax);
    if (!isObject(answer)) throw noAnswer('expected an object of Slack');
    if (answer['ok'] === true) return { answer };
    const { error } = answer;
    return { answer, error: typeof error === 'string' && /^[a-z_]{1,64}$/.test(error) ? error : 'unknown' };
  }

  async close(): Promise<void> {
    await Promise.all(Object.values(this.#posts).map((post) => post.close()));
  }
}
