import type { Json } from '@flyball/protocol';
import { noAnswer, Post, type PostBounds } from './post.js';
import type { Secret } from './secret.js';
import { parseStrictJson } from './strict-json.js';

/** Posts JSON to one URL and reads JSON: `Post` with a bearer token. */
export class JsonPost {
  readonly #post: Post;
  readonly #headers: Readonly<Record<string, string>>;

  /** Throws `config_invalid` for a URL that nothing is sent to. */
  constructor(
    url: string,
    token: Secret | undefined,
    private readonly bounds: PostBounds,
  ) {
    this.#post = new Post(url, bounds);
    this.#headers = { 'content-type': 'application/json', accept: 'application/json', ...(token && { authorization: `Bearer ${token.reveal()}` }) };
  }

  /** The answer's JSON, read strictly. Throws `internal` when there is none, or not in time; never with what was said. */
  async send(body: Json): Promise<Json> {
    const { status, bytes } = await this.#post.send(JSON.stringify(body), this.#headers);
    if (status !== 200) throw noAnswer(`expected status 200, got ${status}`);
    try {
      return parseStrictJson(bytes, this.bounds.bytesMax);
    } catch (cause) {
      throw noAnswer('expected JSON', cause);
    }
  }

  close(): Promise<void> {
    return this.#post.close();
  }
}
