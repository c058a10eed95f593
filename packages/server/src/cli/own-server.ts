import type { KeyObject } from 'node:crypto';
import { isObject } from '@flyball/protocol';
import { isProof, publicPart } from '../identity/index.js';
import { randomHandle } from '../lib/ids.js';

const answerMs = 2_000;
const answerBytesMax = 8_192;

/** Who answers where our server would: it, somebody who does not prove to be it, nobody. */
export type Answering = 'own' | 'stranger' | 'nobody';

/**
 * Asks for a proof, and sends nothing that a stranger could use.
 *
 * @param base scheme, host and port
 * @param key the installation's key; without one nobody can prove anything
 */
export async function whoAnswers(base: string, key: KeyObject | undefined): Promise<Answering> {
  const nonce = randomHandle();
  let answer: string;
  try {
    const response = await fetch(`${base}/v1/installation?nonce=${nonce}`, { signal: AbortSignal.timeout(answerMs), redirect: 'manual' });
    answer = await beginningOf(response);
  } catch {
    return 'nobody';
  }
  return key && (await isProof(proofIn(answer), publicPart(key), { nonce, address: base }, Date.now())) ? 'own' : 'stranger';
}

/** The text of an answer; of one that is too long, what came of it until then. */
async function beginningOf({ body }: Response): Promise<string> {
  const decoder = new TextDecoder();
  let [text, bytes] = ['', 0];
  for await (const part of body ?? []) {
    bytes += part.byteLength;
    if (bytes > answerBytesMax) break;
    text += decoder.decode(part, { stream: true });
  }
  return text;
}

function proofIn(answer: string): string {
  try {
    const value: unknown = JSON.parse(answer);
    return isObject(value) && typeof value['proof'] === 'string' ? value['proof'] : '';
  } catch {
    return '';
  }
}
