import type { IncomingMessage } from 'node:http';
import { FlyballError, type Json } from '@flyball/protocol';
import { limits } from '../../lib/limits.js';
import { parseStrictJson } from '../../lib/strict-json.js';

/** The body of a request, once all of it is here. Throws `request_too_large`, `request_malformed`. */
export function readBody(request: IncomingMessage): Promise<Json> {
  return new Promise((resolve, reject) => {
    // Whoever left meanwhile sends no event any more that could be waited for.
    if (request.destroyed) return reject(endedTooEarly());
    const parts: Buffer[] = [];
    let bytes = 0;
    request.on('data', (part: Buffer) => {
      bytes += part.byteLength;
      // What comes after is read and dropped, so that the answer can be sent.
      if (bytes > limits.evaluationBytesMax) reject(new FlyballError('request_too_large', `expected at most ${limits.evaluationBytesMax} bytes`));
      else parts.push(part);
    });
    request.on('end', () => {
      try {
        const [first] = parts;
        resolve(parseStrictJson(parts.length === 1 && first ? first : Buffer.concat(parts)));
      } catch (error) {
        reject(error instanceof Error ? error : new Error('unreadable'));
      }
    });
    request.on('error', reject);
    request.on('close', () => reject(endedTooEarly()));
  });
}

const endedTooEarly = () => new FlyballError('request_malformed', 'the request ended too early');
